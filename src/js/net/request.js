'use strict'

// The async resource of one operation on a socket, under the name of Node's own: what ends the operation runs in it.

const { AsyncResource } = require('node:async_hooks')
const { kAsyncId } = require('../internal/symbols')

function requestOf(socket, type) {
  return new AsyncResource(type, { requireManualDestroy: true, triggerAsyncId: socket[kAsyncId] })
}

module.exports = { requestOf }
