'use strict'

// The time for timeouts: read once for all that a turn brings, as libuv does for its loop.

const { now: readClock } = require('../internal/timers')
const { turn } = require('../outbox')

let time = 0
let timeOf = 0 // the turn that `time` was read in

function now() {
  if (turn.current === 0) return readClock()
  if (turn.current !== timeOf) {
    timeOf = turn.current
    time = readClock()
  }
  return time
}

module.exports = { now }
