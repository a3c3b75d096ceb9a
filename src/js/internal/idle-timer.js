'use strict'

// The idle timer of a socket: `setTimeout(ms)` re-armed by every read and write, never keeping the
// process alive.

const process = require('node:process')
const { codes } = require('./errors')
const { kTimeout } = require('./symbols')
const { clearTimeout, setTimeout } = require('./timers')
const { validateFunction, validateNumber } = require('./validators')

// Not `2 ** 31`: its first use brings the tables of the C library's `pow` into memory, 0.2 MB.
const TIMEOUT_MAX = 0x7fffffff

// Milliseconds that a Node timer accepts; too long a time is cut with a warning.
function timerDuration(msecs) {
  validateNumber(msecs, 'msecs')
  if (msecs < 0 || !Number.isFinite(msecs)) {
    throw new codes.ERR_OUT_OF_RANGE('msecs', 'a non-negative finite number', msecs)
  }
  if (msecs <= TIMEOUT_MAX) return msecs
  process.emitWarning(
    `${msecs} does not fit into a 32-bit signed integer.\n` +
      `Timer duration was truncated to ${TIMEOUT_MAX}.`,
    'TimeoutOverflowWarning',
  )
  return TIMEOUT_MAX
}

function onIdle(socket) {
  socket._onTimeout()
}

// Socket.prototype.setTimeout.
function setStreamTimeout(msecs, callback) {
  if (this.destroyed) return this
  this.timeout = msecs
  msecs = timerDuration(msecs)
  clearTimeout(this[kTimeout])
  if (msecs === 0) {
    this[kTimeout] = null
    if (callback !== undefined) {
      validateFunction(callback, 'callback')
      this.removeListener('timeout', callback)
    }
    return this
  }
  this[kTimeout] = setTimeout(onIdle, msecs, this).unref()
  if (callback !== undefined) {
    validateFunction(callback, 'callback')
    this.once('timeout', callback)
  }
  return this
}

module.exports = { TIMEOUT_MAX, setStreamTimeout, timerDuration }
