'use strict'

// Small words for scenarios.

const { execFileSync } = require('node:child_process')
const { turns } = require('./turn')

// What a socket can go through; 'drain' is missing because TCP does not promise how often it comes.
const LIFE = ['connect', 'ready', 'data', 'end', 'timeout', 'finish', 'error', 'close']

// Resolves with the first argument of the next such event. Unlike events.once it leaves 'error'
// alone.
const event = (emitter, name) => new Promise((resolve) => emitter.once(name, resolve))

const closed = (...emitters) => Promise.all(emitters.map((emitter) => event(emitter, 'close')))

// Like closed(), of one that may have told it already. A socket is `closed` before it tells so: its
// handle has until the end of the loop's turn.
async function gone(emitter) {
  if (emitter.closed) await turns(2)
  else await event(emitter, 'close')
}

const ended = (...streams) => Promise.all(streams.map((stream) => event(stream, 'end')))

// A promise and what resolves it.
function gate() {
  const made = {}
  made.opened = new Promise((resolve) => (made.open = resolve))
  return made
}

// What `action` throws, or else what it returns.
function outcome(action) {
  try {
    return action()
  } catch (error) {
    return error
  }
}

function state(socket) {
  const { readyState, connecting, pending, destroyed, closed: gone } = socket
  const { readable, writable, readableEnded, writableEnded } = socket
  const { writableFinished } = socket
  return {
    readyState,
    connecting,
    pending,
    destroyed,
    closed: gone,
    readable,
    writable,
    readableEnded,
    writableEnded,
    writableFinished,
  }
}

// Whether a program of this machine answers, by the command that asks for its version.
function isHere([file, ...args]) {
  try {
    execFileSync(file, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

module.exports = { LIFE, closed, ended, event, gate, gone, isHere, outcome, state, turns }
