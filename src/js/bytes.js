'use strict'

// The bytes that records of the outbox point to: a slab that every turn fills anew, and buffers of their own for large reads, which
// become the user's. And the place of small writes.

const { Buffer } = require('node:buffer')

const native = require('./native')

// Holds one turn's bytes. Larger stops being cache-resident, smaller cuts turns short: 256 KiB is
// what 50 connections fill with 4 KiB each.
const SLAB_SIZE = 256 * 1024

// Private: no view of it is ever handed out, so nobody can detach it.
const slab = Buffer.allocUnsafeSlow(SLAB_SIZE)
// The bytes of a small write. V8 keeps those of so small an array on its own heap (`typed_array_max_size_in_heap`); asking for
// their address would move them out, at more than the cost of a copy to where the engine looks. It looks there without asking
// (a call of 50 ns, not 74), so nobody else may ever see this array, not a patched set() either.
const SMALL_MAX = 64
const small = new Uint8Array(Buffer.allocUnsafeSlow(4096).buffer, 0, SMALL_MAX)
const copyInto = Function.prototype.call.bind(Uint8Array.prototype.set)
// Not what a property of the user's says.
const TypedArray = Object.getPrototypeOf(Uint8Array)
const lengthOf = Function.prototype.call.bind(
  Object.getOwnPropertyDescriptor(TypedArray.prototype, 'length').get,
)

// Buffers of large reads, by the number in their record.
const chunks = []

// Views of the slab by their offset in words of eight bytes: small chunks begin at the same places turn after turn, and are
// as long.
const VIEWED_WORDS = 2048
const views = new Array(VIEWED_WORDS)

function viewOf(offset, length) {
  const word = offset >> 3
  if (length > SMALL_MAX || word >= VIEWED_WORDS || (offset & 7) !== 0) {
    return slab.subarray(offset, offset + length)
  }
  const view = views[word]
  if (view !== undefined && view.length === length) return view
  return (views[word] = slab.subarray(offset, offset + length))
}

function copyOut(offset, length) {
  if (offset < 0) return native.takeSpill(offset)
  const chunk = Buffer.allocUnsafeSlow(length)
  // `set`, because `copy` goes through C++, which moves a small array off V8's heap: 61 ns against 279 for 64 bytes (87 with
  // a view made for the purpose).
  copyInto(chunk, viewOf(offset, length))
  return chunk
}

function textOut(offset, length) {
  if (length === 0) return ''
  if (offset < 0) return native.takeSpill(offset).latin1Slice(0, length)
  return slab.latin1Slice(offset, offset + length)
}

function frameText(offset, length) {
  if (offset < 0) return native.takeSpill(offset).utf8Slice(0, length)
  return slab.utf8Slice(offset, offset + length)
}

// `length`: of `bytes`, at most SMALL_MAX.
function writeSmall(id, bytes, length) {
  // Of a detached array nothing is left to copy, and set() throws.
  if (length > 0) copyInto(small, bytes)
  return native.writeSmall(id, length)
}

// The scavenger frees a chunk with 300 bytes of V8's heap and 16 KiB outside of it. It comes when the heap's young part is
// full, whatever lies outside; and when 64 MiB lie there before it has come, V8 marks and compacts the whole heap. A loop
// that does little else than pass chunks on gets there first, each time: 11 % of its CPU in an echo of 16 KiB, a third in a
// stream of 64 KiB chunks. So each chunk brings some heap along, as one that Node reads does: a word for each 64 bytes. How many
// decides how often the processor's caches see the same memory again: with a word for each 512 bytes the chunks between two
// scavenges take 50 MB, with one for each 128 they take 20, now 12. An echo of 16 KiB costs less each time, until the scavenges
// themselves cost more than the caches gain (docs/engine.md).
const BALLAST_SHIFT = 6
const ballast = { words: null }

// A large read got a buffer of the expected size, of which it filled at least half. Users find that `chunk.buffer` is the chunk,
// as in Node. The next read finds a buffer where this one was: another, or this one where nobody has seen it.
function ownedOut(number, length) {
  const buffer = chunks[number]
  ballast.words = new Array(length >> BALLAST_SHIFT)
  if (length === buffer.length) {
    chunks[number] = Buffer.allocUnsafeSlow(length)
    return buffer
  }
  const chunk = Buffer.allocUnsafeSlow(length)
  chunk.set(buffer.subarray(0, length))
  return chunk
}

module.exports = {
  SMALL_MAX,
  chunks,
  copyOut,
  frameText,
  lengthOf,
  ownedOut,
  slab,
  small,
  textOut,
  writeSmall,
}
