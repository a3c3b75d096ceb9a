'use strict'

// One turn of the loop, in which whatever is under way arrives.

const process = require('node:process')
const { setImmediate, setTimeout } = require('node:timers/promises')

// A driver on a thread of its own learns a moment later what the kernel knows.
const isElsewhere = process.platform === 'win32' || process.env.FERROWIRE_WATCH === 'thread'
const LATER_MS = 2

async function turn() {
  if (isElsewhere) await setTimeout(LATER_MS)
  await setImmediate()
}

async function turns(count) {
  for (let i = 0; i < count; i++) await turn()
}

module.exports = { turn, turns }
