'use strict'

// Node makes `headers` of the fields when somebody reads it: each name is looked up, in lower case, among those that have
// rules of their own. The messages of one connection mostly bring the same names, if not the same values. So when the
// headers of one were read, those of the next are a copy of an object that Node made, with the values that differ.

const { IncomingMessage } = require('node:http')
const { symbols } = require('./common')

const { kHeaders } = symbols
const { _addHeaderLine: addHeaderLine } = IncomingMessage.prototype

// What one connection keeps.
const FIELDS_MAX = 31
const TEXT_MAX = 2048
// A peer whose heads differ so often in a row is left to Node.
const MISSES_MAX = 16

class HeaderShape {
  constructor() {
    this.isWanted = false // somebody reads `headers`
    this.misses = 0
    this.names = null // of the fields, as they came
    this.values = null
    this.keys = null // of `headers`, one for each name; null when it is not as simple
    this.headers = null
    this.joins = null // the option by which `headers` was made
  }

  /** Looks whether the user, who was told of `message`, has read its headers. */
  note(message) {
    if (kHeaders !== undefined && message[kHeaders] !== null && this.misses <= MISSES_MAX) {
      this.isWanted = true
    }
  }

  /** Gives `message` the headers of its `fields`, names and values in turn; `size`: their length as text. */
  fill(message, fields, size, maxPairs) {
    if (!this.isWanted || fields.length > 2 * FIELDS_MAX || size > TEXT_MAX) return
    if (maxPairs > 0 && fields.length > maxPairs) return
    if (Object.getPrototypeOf(message) !== IncomingMessage.prototype) return
    if (message._addHeaderLine !== addHeaderLine) return
    if (this.headers !== null && message.joinDuplicateHeaders === this.joins && this.has(fields)) {
      this.misses = 0
      message[kHeaders] = this.copy(fields)
    } else if (++this.misses > MISSES_MAX) {
      this.isWanted = false
    } else {
      this.learn(message, fields)
    }
  }

  has(fields) {
    const { keys, names, values } = this
    if (fields.length !== 2 * names.length) return false
    for (let i = 0; i < names.length; i++) {
      if (fields[2 * i] !== names[i]) return false
      if (keys === null && fields[2 * i + 1] !== values[i]) return false
    }
    return true
  }

  copy(fields) {
    const { keys, values } = this
    const headers = { ...this.headers }
    if (keys === null) return headers
    for (let i = 0; i < values.length; i++) {
      const value = fields[2 * i + 1]
      if (value !== values[i]) headers[keys[i]] = value
    }
    return headers
  }

  learn(message, fields) {
    const { headers } = message
    const own = Object.values(headers)
    // A list would be one and the same in each copy.
    const isFlat = own.every((value) => typeof value === 'string')
    this.headers = isFlat ? { ...headers } : null
    this.joins = message.joinDuplicateHeaders
    this.names = fields.filter((_, i) => i % 2 === 0)
    this.values = fields.filter((_, i) => i % 2 === 1)
    const keys = this.names.map((name) => name.toLowerCase())
    const isSimple =
      own.length === keys.length && keys.every((key, i) => headers[key] === this.values[i])
    this.keys = isSimple ? keys : null
  }
}

module.exports = { HeaderShape }
