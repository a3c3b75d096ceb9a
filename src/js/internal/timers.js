'use strict'

// Timers and clocks as they are when Ferrowire is loaded, or preloaded: what a test puts in their place later is for the code that
// it tests, not for connections. Node's own modules keep theirs in the same way.

const { performance } = require('node:perf_hooks')
const { clearInterval, clearTimeout, setInterval, setTimeout } = require('node:timers')

const { Date, queueMicrotask } = globalThis
const now = performance.now.bind(performance)

module.exports = {
  Date,
  clearInterval,
  clearTimeout,
  now,
  queueMicrotask,
  setInterval,
  setTimeout,
}
