'use strict'

// How often a server wakes up while nobody wants anything of it: the voluntary context switches of all of its threads. Linux
// only; read from outside, so that the reading wakes nobody.

const fs = require('node:fs')
const { setTimeout: after } = require('node:timers/promises')
const { Server } = require('./server')

// Threads of V8 still have work when a process has just started.
const SETTLE_MS = 1500
const IDLE_MS = 2000

function wakeUps(pid) {
  const tasks = `/proc/${pid}/task`
  let sum = 0
  for (const task of fs.readdirSync(tasks)) {
    const status = fs.readFileSync(`${tasks}/${task}/status`, 'latin1')
    sum += Number(/^voluntary_ctxt_switches:\s*(\d+)/m.exec(status)[1])
  }
  return sum
}

async function contender(side) {
  const server = new Server(side, { does: 'echo' })
  await server.line()
  await after(SETTLE_MS)
  return {
    async measure() {
      const before = wakeUps(server.pid)
      await after(IDLE_MS)
      return { rate: wakeUps(server.pid) - before }
    },
    end: () => server.end(),
  }
}

module.exports = { contender }
