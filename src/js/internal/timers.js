'use strict'

// Timers and clocks as they are when Ferrowire is loaded, or preloaded: what a test puts in their place later is for the code that
// it tests, not for connections. Node's own modules keep theirs in the same way.

const process = require('node:process')
const { clearInterval, clearTimeout, setInterval, setTimeout } = require('node:timers')

const { Date, queueMicrotask } = globalThis
const { hrtime } = process

// Milliseconds of a clock that only goes forward. Not by performance.now(): to load perf_hooks takes a process 0.6 to 1 ms.
function now() {
  const [seconds, nanoseconds] = hrtime()
  return seconds * 1e3 + nanoseconds / 1e6
}

module.exports = {
  Date,
  clearInterval,
  clearTimeout,
  now,
  queueMicrotask,
  setInterval,
  setTimeout,
}
