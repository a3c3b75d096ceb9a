'use strict'

// The last head of a connection that came with its fields. The engine does not bring those again with a head that repeats
// them, see http1/repeat.rs.

const { HAS_EXPECT, HAS_HOST, REPEATS_FIELDS } = require('../internal/records')
const { HeaderShape } = require('./header-shape')

// What `info` says of the fields: that Host and Expect are among them.
const ABOUT_FIELDS = HAS_HOST | HAS_EXPECT

class LastHead {
  constructor() {
    this.text = ''
    this.info = 0
    this.start = null
    this.fields = null
    this.shape = new HeaderShape()
  }

  /** Takes note of a head; gives its `info` with what holds for its fields. */
  note(text, info) {
    if ((info & REPEATS_FIELDS) !== 0) return info | (this.info & ABOUT_FIELDS)
    this.text = text
    this.info = info
    this.start = null
    this.fields = null
    return info
  }
}

module.exports = { LastHead }
