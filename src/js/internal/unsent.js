'use strict'

// What is to be written of a fork channel's messages and was not taken by the kernel yet: bytes,
// bytes that a descriptor goes with, or a long text. `write(handle)` gives the bytes that the kernel
// took, or an error; `batch` is whose end `isWritten` is, see outgoing.js.

const { Buffer } = require('node:buffer')
const { closeFd } = require('../engine')

const NEWLINE = 0x0a
// No descriptor goes with the bytes.
const NONE = -1

const encoder = new TextEncoder()

// A long text is encoded piece by piece, as the kernel takes it: fresh memory for all of it would
// cost more than the encoding (8 ms against 2 for 16 MiB). A bit more than the kernel has room for.
const PIECE_SIZE = 256 * 1024
let piece
const EMPTY = Buffer.alloc(0)

class UnsentBytes {
  constructor(bytes, batch, fd = NONE) {
    this.bytes = bytes
    this.batch = batch
    this.fd = fd
  }

  get isWritten() {
    return this.bytes.length === 0
  }

  // Whether it has to leave in a write of its own.
  get isAlone() {
    return this.fd !== NONE
  }

  // Takes note of `count` written bytes, and gives how many of them were none of these.
  took(count) {
    const own = Math.min(count, this.bytes.length)
    this.bytes = this.bytes.subarray(own)
    return count - own
  }

  write(handle) {
    if (this.fd === NONE) return this.#note(handle.writeRest([this.bytes]))
    const sent = handle.writeWithDescriptor(this.bytes, this.fd)
    // It goes with the first byte.
    if (sent > 0) this.drop()
    return this.#note(sent)
  }

  #note(sent) {
    if (sent > 0) this.took(sent)
    return sent
  }

  drop() {
    if (this.fd !== NONE) closeFd(this.fd)
    this.fd = NONE
  }
}

// A line of JSON.
class UnsentText {
  #text
  // Where the rest begins.
  #at = 0
  // Bytes before that which are not written.
  #rest = new UnsentBytes(EMPTY)
  // Whether each of those is one character.
  #isAscii = false
  isAlone = true
  isWritten = false

  constructor(text, batch) {
    this.#text = text
    this.batch = batch
  }

  // How many bytes are left, all told.
  count() {
    const { length } = this.#rest.bytes
    return this.#isLast ? length : length + Buffer.byteLength(this.#text.slice(this.#at)) + 1
  }

  write(handle) {
    piece ??= Buffer.allocUnsafeSlow(PIECE_SIZE)
    let total = 0
    do {
      if (this.#rest.isWritten) this.#encode()
      const sent = this.#rest.write(handle)
      if (sent < 0) return sent
      total += sent
    } while (!handle.short && !this.#isLast)
    this.isWritten = !handle.short
    this.#keepRest()
    return total
  }

  // Whether the rest is all: the newline counts as a character.
  get #isLast() {
    return this.#at > this.#text.length
  }

  // The next bytes, in memory that everybody uses.
  #encode() {
    const text = this.#text
    let end = Math.min(this.#at + PIECE_SIZE, text.length)
    // The halves of a character stay together.
    if (end < text.length && (text.charCodeAt(end - 1) & 0xfc00) === 0xd800) end--
    const { read, written } = encoder.encodeInto(text.slice(this.#at, end), piece)
    this.#isAscii = read === written
    this.#at += read
    this.#rest.bytes = piece.subarray(0, written)
    if (this.#at < text.length || written === PIECE_SIZE) return
    piece[written] = NEWLINE
    this.#at++
    this.#rest.bytes = piece.subarray(0, written + 1)
  }

  // Somebody else's bytes come into the same memory before the next write.
  #keepRest() {
    const { bytes } = this.#rest
    if (!this.#isAscii) {
      this.#rest.bytes = Buffer.from(bytes)
      return
    }
    // Encoding them again costs less than a write of their own.
    this.#at -= bytes.length
    this.#rest.bytes = EMPTY
  }

  drop() {}
}

module.exports = { NONE, UnsentBytes, UnsentText }
