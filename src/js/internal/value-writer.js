'use strict'

// The sending half of `advanced`: plain values in V8's serialization format, version 15, written by
// JavaScript. v8.serialize costs more than the rest of a message; what is not written here (a class,
// a Map, a sparse array) is left to it.

const { Buffer } = require('node:buffer')
const types = require('node:util/types')

const FALLBACK = Symbol('fallback')

const VERSION = 15
// Characters up to which a loop beats a call into C++.
const SHORT_STRING = 128
// Objects up to which a search beats a Map.
const FEW_OBJECTS = 24

const INT = 0x49
const DOUBLE = 0x4e
const ONE_BYTE = 0x22
const TWO_BYTE = 0x63
const OBJECT = 0x6f
const OBJECT_END = 0x7b
const ARRAY = 0x41
const ARRAY_END = 0x24
const REFERENCE = 0x5e
const HOST_OBJECT = 0x5c
const DATE = 0x44
const BIGINT = 0x5a
const NULL = 0x30
const UNDEFINED = 0x5f
const TRUE = 0x54
const FALSE = 0x46

// Node's tag and numbers for views, which V8 leaves to it.
const VIEW = 0
const UINT8_ARRAY = 1
const BUFFER = 10

const LATIN1 = /^[\0-\xff]*$/
const MAX_INDEX = 0xfffffffe

const { getPrototypeOf, hasOwn } = Object
const { toString: tagOf } = Object.prototype
const { isView } = ArrayBuffer
const { isProxy, isUint8Array } = types
const { getTime } = Date.prototype
const double = new Float64Array(1)
const bits = new BigUint64Array(double.buffer)
const eight = new Uint8Array(double.buffer)

// Of the message being written: kept out of an object because every byte passes here.
let buf
let pos
// Where its header lies: two-byte strings are aligned to it.
let origin
let seen = []
let seenCount = 0
let seenMap = null

function reserve(size) {
  if (pos + size <= buf.length) return
  const larger = Buffer.allocUnsafeSlow(Math.max(buf.length * 2, pos + size))
  larger.set(buf.subarray(0, pos))
  buf = larger
}

function varint(value) {
  while (value > 0x7f) {
    buf[pos++] = (value & 0x7f) | 0x80
    value >>>= 7
  }
  buf[pos++] = value
}

function raw(bytes) {
  buf.set(bytes, pos)
  pos += bytes.length
}

function writeNumber(value) {
  if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
    buf[pos++] = INT
    varint(((value << 1) ^ (value >> 31)) >>> 0)
    return
  }
  buf[pos++] = DOUBLE
  writeDouble(value)
}

// The format has the machine's byte order.
function writeDouble(value) {
  double[0] = value
  for (let i = 0; i < 8; i++) buf[pos++] = eight[i]
}

function writeString(text) {
  const { length } = text
  if (length > SHORT_STRING) return writeLongString(text)
  reserve(length + 16)
  const start = pos
  buf[pos++] = ONE_BYTE
  varint(length)
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code > 0xff) {
      pos = start
      return writeTwoByte(text)
    }
    buf[pos++] = code
  }
}

function writeLongString(text) {
  if (!LATIN1.test(text)) return writeTwoByte(text)
  reserve(text.length + 16)
  buf[pos++] = ONE_BYTE
  varint(text.length)
  pos += buf.latin1Write(text, pos)
}

function writeTwoByte(text) {
  const size = text.length * 2
  reserve(size + 16)
  let sizeBytes = 1
  for (let left = size >>> 7; left > 0; left >>>= 7) sizeBytes++
  if (((pos - origin + 1 + sizeBytes) & 1) === 1) buf[pos++] = 0
  buf[pos++] = TWO_BYTE
  varint(size)
  pos += buf.ucs2Write(text, pos)
}

function writeBigInt(value) {
  if (BigInt.asUintN(64, value) !== value) throw FALLBACK
  buf[pos++] = BIGINT
  if (value === 0n) {
    buf[pos++] = 0
    return
  }
  buf[pos++] = 8 << 1
  bits[0] = value
  for (let i = 0; i < 8; i++) buf[pos++] = eight[i]
}

// Writes a reference and gives true when the object has been written before.
function wroteReference(object) {
  if (seenMap === null) {
    for (let i = 0; i < seenCount; i++) {
      if (seen[i] === object) return writeReference(i)
    }
    seen[seenCount++] = object
    if (seenCount > FEW_OBJECTS) seenMap = new Map(seen.map((value, index) => [value, index]))
    return false
  }
  const id = seenMap.get(object)
  if (id !== undefined) return writeReference(id)
  seenMap.set(object, seenCount++)
  return false
}

function writeReference(id) {
  buf[pos++] = REFERENCE
  varint(id)
  return true
}

function writeKey(key) {
  const first = key.charCodeAt(0)
  if (first >= 0x30 && first <= 0x39) {
    const index = Number(key)
    if (Number.isInteger(index) && index <= MAX_INDEX && String(index) === key) {
      return writeNumber(index)
    }
  }
  writeString(key)
}

// A prototype says little of what an object is: V8 refuses proxies, arguments and modules, and goes by the kind with all others.
// Most kinds show by their tag.
function isPlain(object) {
  return !isProxy(object) && tagOf.call(object) === '[object Object]' && !isView(object)
}

// Of those kinds that have no tag of their own, which have no enumerable properties either.
const KINDS = [
  types.isMap,
  types.isSet,
  types.isWeakMap,
  types.isWeakSet,
  types.isPromise,
  types.isAnyArrayBuffer,
  types.isGeneratorObject,
  types.isMapIterator,
  types.isSetIterator,
  types.isExternal,
  types.isBigIntObject,
  types.isSymbolObject,
]

const isOfAnotherKind = (object) => KINDS.some((isKind) => isKind(object))

function writePlain(object) {
  buf[pos++] = OBJECT
  let count = 0
  for (const key in object) {
    if (!hasOwn(object, key)) continue
    reserve(32)
    writeKey(key)
    writeValue(object[key])
    count++
  }
  if (count === 0 && isOfAnotherKind(object)) throw FALLBACK
  reserve(32)
  buf[pos++] = OBJECT_END
  varint(count)
}

function writeArray(array) {
  const { length } = array
  // Holes or named properties: as many of these as of those would not show here.
  if (Object.keys(array).length !== length) throw FALLBACK
  buf[pos++] = ARRAY
  varint(length)
  for (let i = 0; i < length; i++) {
    const value = array[i]
    if (value === undefined && !hasOwn(array, i)) throw FALLBACK
    writeValue(value)
  }
  // A getter has changed it meanwhile.
  if (array.length !== length) throw FALLBACK
  reserve(32)
  buf[pos++] = ARRAY_END
  buf[pos++] = 0
  varint(length)
}

function writeView(view, type) {
  const { byteLength } = view
  reserve(byteLength + 32)
  buf[pos++] = HOST_OBJECT
  buf[pos++] = VIEW
  buf[pos++] = type
  varint(byteLength)
  raw(view)
}

function writeDate(date) {
  // Not everything with a date's prototype is one.
  if (!types.isDate(date)) throw FALLBACK
  buf[pos++] = DATE
  writeDouble(getTime.call(date))
}

function writeObject(object) {
  const prototype = getPrototypeOf(object)
  if (prototype === Object.prototype || prototype === null) {
    if (!isPlain(object)) throw FALLBACK
    if (!wroteReference(object)) writePlain(object)
  } else if (Array.isArray(object)) {
    if (isProxy(object)) throw FALLBACK
    if (!wroteReference(object)) writeArray(object)
  } else if (prototype === Buffer.prototype || prototype === Uint8Array.prototype) {
    if (!isUint8Array(object)) throw FALLBACK
    if (!wroteReference(object))
      writeView(object, prototype === Buffer.prototype ? BUFFER : UINT8_ARRAY)
  } else if (prototype === Date.prototype) {
    if (!wroteReference(object)) writeDate(object)
  } else {
    throw FALLBACK
  }
}

function writeValue(value) {
  reserve(32)
  switch (typeof value) {
    case 'string':
      writeString(value)
      break
    case 'number':
      writeNumber(value)
      break
    case 'object':
      if (value === null) buf[pos++] = NULL
      else writeObject(value)
      break
    case 'boolean':
      buf[pos++] = value ? TRUE : FALSE
      break
    case 'undefined':
      buf[pos++] = UNDEFINED
      break
    case 'bigint':
      writeBigInt(value)
      break
    default:
      throw FALLBACK
  }
}

// Writes a message from `start` on; gives where it ends, 0 when it is V8's to write. The bytes are in
// what `takeBuffer` gives: a larger buffer when this one was too small.
function writeMessage(buffer, start, message) {
  buf = buffer
  pos = start
  origin = start
  try {
    reserve(32)
    buf[pos++] = 0xff
    buf[pos++] = VERSION
    writeValue(message)
    return pos
  } catch (error) {
    buf = undefined
    // Too deep a nesting is told by V8 in its own way.
    if (error !== FALLBACK && !(error instanceof RangeError)) throw error
    return 0
  } finally {
    if (seenCount > 0) seen = []
    seenCount = 0
    seenMap = null
  }
}

function takeBuffer() {
  const taken = buf
  buf = undefined
  return taken
}

module.exports = { takeBuffer, writeMessage }
