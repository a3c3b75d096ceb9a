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
  // A getter of a message may send another one: that one is left to V8, and then so is the outer.
  static #busy = false
  #interrupted = false
  #lent
  buffer = Buffer.allocUnsafeSlow(START_SIZE)
  length = 0

  // `serialize(message)` gives a Buffer in the same format.
  constructor(serialize) {
    this.#serialize = serialize
  }

  // Appends the frame of a message, or throws and appends nothing.
  append(message) {
    if (Frames.#busy || !this.#write(message)) this.#appendBytes(this.#serialize(message))
  }

  #write(message) {
    const start = this.length
    Frames.#busy = true
    this.#interrupted = false
    try {
      const end = writeMessage(this.buffer, start + LENGTH_BYTES, message)
      const buffer = takeBuffer()
      if (end === 0 || this.#interrupted) return false
      setLength(buffer, start, end - start - LENGTH_BYTES)
      this.buffer = buffer
      this.length = end
      return true
    } finally {
      Frames.#busy = false
    }
  }

  #appendBytes(bytes) {
    this.#interrupted = true
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
