'use strict'

// The last head of a connection that came with its fields. The engine does not bring those again with a head that repeats
// them, see http1/repeat.rs; and when somebody reads `headers`, that of the messages after it is a copy.

const { IncomingMessage } = require('node:http')
const { symbols } = require('./common')

const { kHeaders } = symbols
const { _addHeaderLine: addHeaderLine } = IncomingMessage.prototype

// Bits of a head's `info`, see engine/codec.rs: the fields are those of the last head; and so is what is in front of them.
const REPEATS_FIELDS = 1 << 24
const REPEATS_ALL = 1 << 25
// What `info` says of the fields: that Host and Expect are among them.
const ABOUT_FIELDS = (1 << 20) | (1 << 21)

class LastHead {
  constructor() {
    this.text = ''
    this.info = 0
    this.start = null
    this.fields = null
    this.areRead = false // `headers` of one of the messages that had this head
    this.headers = null // theirs; undefined when there is none to copy
    this.maxPairs = 0 // `headers` is of so many,
    this.joins = null // and of lines joined as this option says
  }

  /** Takes note of a head; gives its `info` with what holds for its fields. */
  note(text, info) {
    if ((info & REPEATS_FIELDS) !== 0) return info | (this.info & ABOUT_FIELDS)
    this.text = text
    this.info = info
    this.start = null
    this.fields = null
    this.areRead = false
    this.headers = null
    return info
  }

  /** Looks whether `message`, which has this head and was told to the user, needs its `headers`. */
  noteRead(message) {
    if (kHeaders !== undefined && message[kHeaders] !== null) this.areRead = true
  }

  /** Gives `message`, which repeats this head, its `headers`: 15 % of the CPU of a request with ten fields that are read. */
  fillHeaders(message, maxPairs) {
    if (!this.areRead || this.headers === undefined) return
    if (Object.getPrototypeOf(message) !== IncomingMessage.prototype) return
    if (message._addHeaderLine !== addHeaderLine) return
    if (this.headers === null) {
      this.maxPairs = maxPairs
      this.joins = message.joinDuplicateHeaders
      const { headers } = message
      // A list would be one and the same in each copy.
      const isFlat = Object.values(headers).every((value) => typeof value === 'string')
      this.headers = isFlat ? { ...headers } : undefined
    } else if (maxPairs === this.maxPairs && message.joinDuplicateHeaders === this.joins) {
      message[kHeaders] = { ...this.headers }
    }
  }
}

module.exports = { LastHead, REPEATS_ALL, REPEATS_FIELDS }
