'use strict'

// What user code sees as `child.channel` and `process.channel`: what keeps the process alive, and the longest message.

const process = require('node:process')
const { EventEmitter } = require('node:events')
const { validateInteger } = require('./validators')

const MEBIBYTE = 1024 * 1024
const DEFAULT_MAX_MESSAGE = 512 * MEBIBYTE

// A peer may rely on 64 MiB; the upper limit is that of a buffer's length in the format.
function validateMaxMessageLength(value) {
  validateInteger(value, 'maxMessageLength', 64 * MEBIBYTE, 2 ** 32 - 1)
}

class Control extends EventEmitter {
  #handle
  // Reasons to keep the process alive, until ref() or unref() decide it once and for all.
  #refs
  #decided = false
  #outgoing
  #maxMessageLength

  constructor(handle, refs, maxMessageLength) {
    super()
    this.#handle = handle
    this.#refs = refs
    this.#maxMessageLength = maxMessageLength
  }

  // Resolves when the kernel has every message that send() has accepted.
  flush() {
    return this.#outgoing.flush()
  }

  // Bytes of one message from the peer, beyond which the channel ends with an error.
  get maxMessageLength() {
    return this.#maxMessageLength
  }

  set maxMessageLength(value) {
    validateMaxMessageLength(value)
    this.#maxMessageLength = value
    this.#handle.limitIpc(value)
  }

  static setOutgoing(control, outgoing) {
    control.#outgoing = outgoing
  }

  refCounted() {
    if (++this.#refs === 1 && !this.#decided) this.#handle.ref()
  }

  unrefCounted() {
    if (--this.#refs === 0 && !this.#decided) this.#handle.unref()
  }

  ref() {
    this.#decided = true
    this.#handle.ref()
  }

  unref() {
    this.#decided = true
    this.#handle.unref()
  }

  get fd() {
    return this.#handle.fd
  }
}

// A child lives as long as it listens to its parent, and no longer.
function countListeners(control, handle) {
  handle.unref()
  const counted = ['message', 'disconnect']
  const counts = (event) => counted.includes(event)
  // A cluster's worker began to listen before its channel was there.
  for (const event of counted) {
    for (let left = process.listenerCount(event); left > 0; left--) control.refCounted()
  }
  process.on('newListener', (event) => {
    if (counts(event)) control.refCounted()
  })
  process.on('removeListener', (event) => {
    if (counts(event)) control.unrefCounted()
  })
}

module.exports = { Control, DEFAULT_MAX_MESSAGE, countListeners, validateMaxMessageLength }
