'use strict'

// The receiving half of `advanced`, see value-writer.js: plain values in V8's serialization format,
// read by JavaScript where the engine left them. Anything else is V8's to read.

const { Buffer } = require('node:buffer')

const FALLBACK = Symbol('fallback')

const VERSION = 15
const HEADER_BYTES = 2
// Views at least this long share the memory of a frame that is nobody else's.
const SHARE_MIN = 4096
// Strings up to this length are looked up among those seen before: keys, and words that repeat.
const CACHED_LENGTH = 24
const CACHE_SIZE = 1024

const cache = new Array(CACHE_SIZE).fill('')

const double = new Float64Array(1)
const bits = new BigUint64Array(double.buffer)
const eight = new Uint8Array(double.buffer)

let buf
let pos
let end
// Whether views may share the memory.
let owned
let objects = []

function readVarint() {
  let byte = buf[pos++]
  if (byte < 0x80) return byte
  let value = byte & 0x7f
  for (let shift = 7; shift < 35; shift += 7) {
    byte = buf[pos++]
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) return value >>> 0
  }
  throw FALLBACK
}

function readInt() {
  const value = readVarint()
  return (value >>> 1) ^ -(value & 1)
}

function readEight() {
  for (let i = 0; i < 8; i++) eight[i] = buf[pos++]
}

function readDouble() {
  readEight()
  return double[0]
}

function readBigInt() {
  const bitfield = readVarint()
  if (bitfield === 0) return 0n
  if (bitfield !== 8 << 1) throw FALLBACK
  readEight()
  return bits[0]
}

function readOneByte() {
  const length = readVarint()
  const start = pos
  pos += length
  if (pos > end) throw FALLBACK
  if (length > CACHED_LENGTH) return buf.latin1Slice(start, pos)
  let hash = length
  for (let i = start; i < pos; i++) hash = (Math.imul(hash, 31) + buf[i]) | 0
  const slot = (hash ^ (hash >>> 10)) & (CACHE_SIZE - 1)
  const found = cache[slot]
  if (found.length === length) {
    let i = 0
    while (i < length && found.charCodeAt(i) === buf[start + i]) i++
    if (i === length) return found
  }
  const text = buf.latin1Slice(start, pos)
  cache[slot] = text
  return text
}

function readTwoByte() {
  const size = readVarint()
  const start = pos
  pos += size
  if (pos > end || (size & 1) === 1) throw FALLBACK
  return buf.ucs2Slice(start, pos)
}

function readKey() {
  switch (buf[pos++]) {
    case 0x22: {
      const key = readOneByte()
      // An assignment would not define these.
      if (key in Object.prototype) throw FALLBACK
      return key
    }
    case 0x49:
      return readInt()
    case 0:
      return readKey()
    case 0x63:
      return readTwoByte()
    case 0x4e:
      return readDouble()
    default:
      throw FALLBACK
  }
}

function readObject() {
  const object = {}
  objects.push(object)
  let count = 0
  while (buf[pos] !== 0x7b) {
    if (pos >= end) throw FALLBACK
    const key = readKey()
    object[key] = readValue()
    count++
  }
  pos++
  if (readVarint() !== count) throw FALLBACK
  return object
}

function readArray() {
  const length = readVarint()
  // Each element has a byte at least.
  if (length > end - pos) throw FALLBACK
  const array = []
  objects.push(array)
  for (let i = 0; i < length; i++) array.push(readValue())
  // Named properties would be next.
  if (buf[pos++] !== 0x24 || readVarint() !== 0 || readVarint() !== length) throw FALLBACK
  return array
}

function readView() {
  if (buf[pos++] !== 0) throw FALLBACK
  const type = buf[pos++]
  const length = readVarint()
  const start = pos
  pos += length
  if (pos > end) throw FALLBACK
  let view
  if (type === 10) {
    view = owned && length >= SHARE_MIN ? buf.subarray(start, pos) : copy(start, length)
  } else if (type === 1) {
    view = new Uint8Array(length)
    view.set(buf.subarray(start, pos))
  } else {
    throw FALLBACK
  }
  objects.push(view)
  return view
}

function copy(start, length) {
  const bytes = Buffer.allocUnsafeSlow(length)
  bytes.set(buf.subarray(start, start + length))
  return bytes
}

// Numbers, not names of another module, which are looked up one after the other. The names are in value-writer.js.
function readValue() {
  if (pos >= end) throw FALLBACK
  switch (buf[pos++]) {
    case 0x22:
      return readOneByte()
    case 0x49:
      return readInt()
    case 0x6f:
      return readObject()
    case 0x41:
      return readArray()
    case 0x54:
      return true
    case 0x46:
      return false
    case 0x30:
      return null
    case 0x5f:
      return undefined
    case 0x4e:
      return readDouble()
    case 0x63:
      return readTwoByte()
    case 0x5c:
      return readView()
    case 0x44: {
      const date = new Date(readDouble())
      objects.push(date)
      return date
    }
    case 0x5a:
      return readBigInt()
    case 0x5e: {
      const id = readVarint()
      if (id >= objects.length) throw FALLBACK
      return objects[id]
    }
    case 0:
      return readValue()
    default:
      throw FALLBACK
  }
}

// The message in `buffer` from `start` to `stop`. `isOwned`: nobody else will write to the buffer.
// `deserialize(buffer)` reads what is not plain, from a buffer of its own.
function readMessage(buffer, start, stop, isOwned, deserialize) {
  buf = buffer
  pos = start + HEADER_BYTES
  end = stop
  owned = isOwned
  try {
    if (buffer[start] === 0xff && buffer[start + 1] === VERSION) {
      const value = readValue()
      if (pos === end) return value
    }
  } catch (error) {
    // Too deep a nesting is told by V8 in its own way.
    if (error !== FALLBACK && !(error instanceof RangeError)) throw error
  } finally {
    buf = undefined
    if (objects.length > 0) objects = []
  }
  // Views of the message lie in the copy: not in the pool, from which nothing can be transferred.
  const bytes = Buffer.allocUnsafeSlow(stop - start)
  bytes.set(buffer.subarray(start, stop))
  return deserialize(bytes)
}

module.exports = { readMessage }
