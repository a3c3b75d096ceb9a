'use strict'

// V8's serialization format, as far as plain values go: a tag in front of each.

module.exports = {
  VERSION: 15,
  // May be in front of any other.
  PADDING: 0,
  INT: 0x49,
  DOUBLE: 0x4e,
  ONE_BYTE: 0x22,
  TWO_BYTE: 0x63,
  OBJECT: 0x6f,
  OBJECT_END: 0x7b,
  ARRAY: 0x41,
  ARRAY_END: 0x24,
  REFERENCE: 0x5e,
  HOST_OBJECT: 0x5c,
  DATE: 0x44,
  BIGINT: 0x5a,
  NULL: 0x30,
  UNDEFINED: 0x5f,
  TRUE: 0x54,
  FALSE: 0x46,

  // Node's tag and numbers for views, which V8 leaves to it.
  VIEW: 0,
  UINT8_ARRAY: 1,
  BUFFER: 10,
}
