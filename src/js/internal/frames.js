'use strict'

// Frames of `advanced` that leave together: a length and a message each (value-writer.js), one after
// the other in a buffer that is used again and again.

const { Buffer } = require('node:buffer')
const { takeBuffer, writeMessage } = require('./value-writer')

const LENGTH_BYTES = 4
const START_SIZE = 16 * 1024
// A buffer that one large message has grown is not kept.
const KEEP_SIZE = 256 * 1024
// Nor is one given back that is larger.
const SPARE_SIZE = 4 * 1024 * 1024

class Frames {
  #serialize
  // Whose message is being written. A getter of it may send another one: that one is left to V8, and goes ahead of it.
  static #busy = null
  #inner = []
  #lent
  buffer = Buffer.allocUnsafeSlow(START_SIZE)
  length = 0

  // `serialize(message)` gives a Buffer in the same format.
  constructor(serialize) {
    this.#serialize = serialize
  }

  get isBusy() {
    return Frames.#busy === this
  }

  // Appends the frame of a message, or throws and appends nothing.
  append(message) {
    if (this.isBusy) this.#inner.push(this.#serialize(message))
    else if (Frames.#busy !== null || !this.#write(message)) {
      const bytes = this.#serialize(message)
      this.#appendInner()
      this.#appendBytes(bytes)
    }
  }

  #write(message) {
    const start = this.length
    let end
    Frames.#busy = this
    try {
      end = writeMessage(this.buffer, start + LENGTH_BYTES, message)
    } finally {
      Frames.#busy = null
      if (end === undefined) this.#appendInner()
    }
    const buffer = takeBuffer()
    if (end === 0) return false
    setLength(buffer, start, end - start - LENGTH_BYTES)
    this.buffer = buffer
    if (this.#inner.length === 0) {
      this.length = end
    } else {
      const bytes = Buffer.from(buffer.subarray(start + LENGTH_BYTES, end))
      this.#appendInner()
      this.#appendBytes(bytes)
    }
    return true
  }

  #appendInner() {
    for (const bytes of this.#inner.splice(0)) this.#appendBytes(bytes)
  }

  #appendBytes(bytes) {
    const start = this.length
    const end = start + LENGTH_BYTES + bytes.length
    if (end > this.buffer.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(this.buffer.length * 2, end))
      larger.set(this.buffer.subarray(0, start))
      this.buffer = larger
    }
    setLength(this.buffer, start, bytes.length)
    this.buffer.set(bytes, start + LENGTH_BYTES)
    this.length = end
  }

  // What was appended, as a Buffer that nobody writes to any more, from `start` on.
  take(start = 0) {
    const { buffer, length } = this
    if (length <= START_SIZE) {
      this.length = 0
      return Buffer.from(buffer.subarray(start, length))
    }
    this.#lent = buffer.length <= SPARE_SIZE ? buffer : undefined
    this.buffer = Buffer.allocUnsafeSlow(START_SIZE)
    this.length = 0
    return buffer.subarray(start, length)
  }

  // What was taken last has been written. Fresh memory costs more than the copy that goes into it.
  giveBack(bytes) {
    if (bytes.buffer !== this.#lent?.buffer) return
    if (this.length === 0 && this.buffer.length <= START_SIZE) this.buffer = this.#lent
    this.#lent = undefined
  }

  // Everything is written.
  clear() {
    this.length = 0
    if (this.buffer.length > KEEP_SIZE) this.buffer = Buffer.allocUnsafeSlow(START_SIZE)
  }
}

function setLength(buffer, at, length) {
  buffer[at] = length >>> 24
  buffer[at + 1] = length >>> 16
  buffer[at + 2] = length >>> 8
  buffer[at + 3] = length
}

module.exports = { Frames }
