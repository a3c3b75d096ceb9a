'use strict'

// What the engine's records say, and what it may be told of a connection. The engine's own list is engine/records.rs, where a
// test compares the two.

module.exports = {
  // Kinds.
  DATA: 0,
  DATA_OWNED: 1,
  END: 2,
  WRITABLE: 3,
  SHUTDOWN: 4,
  CONNECT: 5,
  CONNECTION: 6,
  CLOSED: 7,
  FRAME: 8,
  HEAD: 9,
  BODY: 10,
  MESSAGE_END: 11,
  UPGRADE: 12,
  PARSE_ERROR: 13,
  PARTIAL: 14,
  UNCLAIMED: 15,
  BODY_OWNED: 16,

  // Bits of a head's `info`; the lowest sixteen are its version.
  IS_KEPT_ALIVE: 1 << 16,
  IS_UPGRADE: 1 << 17,
  HAS_BODY: 1 << 18,
  // What ends the body is the end of the stream.
  UNTIL_CLOSE: 1 << 19,
  HAS_HOST: 1 << 20,
  HAS_EXPECT: 1 << 21,
  // A request that is only a head: its end is told with it.
  ENDED: 1 << 22,
  // As many fields as Node's parser hands over before a head is complete.
  FLUSHED: 1 << 23,
  // The fields are those of the last head that came with any; and so is what is in front of them.
  REPEATS_FIELDS: 1 << 24,
  REPEATS_ALL: 1 << 25,

  // What httpExpect() tells: the next response answers HEAD, or CONNECT; stop at a request to leave HTTP.
  EXPECT_HEAD: 1,
  EXPECT_CONNECT: 2,
  ASK_UPGRADE: 4,
}
