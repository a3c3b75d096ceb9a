'use strict'

// The async resource of one operation on a socket or a server, under the name of Node's own: what ends the operation runs in
// it, and what it leads to is triggered by the socket.

const process = require('node:process')
const { AsyncResource } = require('node:async_hooks')
const { kAsyncId } = require('../internal/symbols')
const { validateFunction } = require('../internal/validators')

function requestOf(owner, type) {
  const id = owner[kAsyncId]
  const triggerAsyncId = id > 0 ? id : undefined
  return new AsyncResource(type, { requireManualDestroy: true, triggerAsyncId })
}

// Node sets what triggers such a step by functions of its own; an additional tick in between comes to the same.
function runOf(owner, callback, ...args) {
  runIn(requestOf(owner, 'TickObject'), callback, args)
}

function nextTickOf(owner, callback, ...args) {
  validateFunction(callback, 'callback')
  process.nextTick(runIn, requestOf(owner, 'TickObject'), callback, args)
}

function runIn(tick, callback, args) {
  try {
    tick.runInAsyncScope(callback, undefined, ...args)
  } finally {
    tick.emitDestroy()
  }
}

module.exports = { nextTickOf, requestOf, runOf }
