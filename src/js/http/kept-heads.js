'use strict'

// Heads that one response after the other has are kept in the engine, as the bytes to send; a response names its own by
// a number.

const { native } = require('../outbox')

// More than the routes that are busy within one second.
const SLOTS = 32

const NOT_KEPT = -1
const REFUSED = -2

// Where heads are kept is the engine's, and so is who has them, also when this file is loaded again.
const kept = (native.keptHeads ??= { owners: new Array(SLOTS).fill(null), next: 0 })
const { owners } = kept

/** The beginning of a response as text, up to what depends on its body. */
class Head {
  constructor(text) {
    this.text = text
    this.slot = NOT_KEPT
    this.length = -1
    this.withLength = ''
  }

  /** All of the head, with the length of the body for its last field. The next response is often as long. */
  whole(length) {
    if (length !== this.length) {
      this.withLength = `${this.text}Content-Length: ${length}\r\n\r\n`
      this.length = length
    }
    return this.withLength
  }

  /** Keeps it, in place of the one that has been kept longest. Only ASCII is the same in every encoding. */
  keep() {
    const slot = kept.next
    if (native.keepHead(slot, this.text) !== 1) {
      this.slot = REFUSED
      return
    }
    owners[slot] = this
    this.slot = slot
    kept.next = (slot + 1) % SLOTS
  }

  get isNew() {
    return this.slot === NOT_KEPT
  }

  /** As respond() of a handle takes it: its number, or else its text. */
  get sendable() {
    const { slot } = this
    return slot >= 0 && owners[slot] === this ? slot : this.text
  }
}

module.exports = { Head }
