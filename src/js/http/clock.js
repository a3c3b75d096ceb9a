'use strict'

// The time for timeouts, by performance.now(): read once for all that a turn brings, as libuv does for its loop.

const { performance } = require('node:perf_hooks')
const { turn } = require('../outbox')

let time = 0
let timeOf = 0 // the turn that `time` was read in

function now() {
  if (turn.current === 0) return performance.now()
  if (turn.current !== timeOf) {
    timeOf = turn.current
    time = performance.now()
  }
  return time
}

module.exports = { now }
