'use strict'

// Private state of the net classes. One home, so that no two modules mean different things.

const { AsyncResource } = require('node:async_hooks')

// Sockets and servers carry the async id of their handle where Node's do.
function asyncIdSymbol() {
  const resource = new AsyncResource('FERROWIRE', { requireManualDestroy: true })
  const own = Object.getOwnPropertySymbols(resource)
  return own.find((key) => key.description === 'async_id_symbol') ?? Symbol('async_id_symbol')
}

module.exports = {
  kAsyncId: asyncIdSymbol(),
  kHandle: Symbol('kHandle'),
  kTimeout: Symbol('timeout'),
  kLastWriteQueueSize: Symbol('lastWriteQueueSize'),
  kSetNoDelay: Symbol('kSetNoDelay'),
  kSetKeepAlive: Symbol('kSetKeepAlive'),
  // Seconds; the last two only when set.
  kSetKeepAliveInitialDelay: Symbol('kSetKeepAliveInitialDelay'),
  kSetKeepAliveInterval: Symbol('kSetKeepAliveInterval'),
  kSetKeepAliveCount: Symbol('kSetKeepAliveCount'),
  kSetTOS: Symbol('kSetTOS'),
  kBytesRead: Symbol('kBytesRead'),
  kBytesWritten: Symbol('kBytesWritten'),
  // The user's read buffer of option `onread`, its callback, its generator.
  kBuffer: Symbol('kBuffer'),
  kBufferCb: Symbol('kBufferCb'),
  kBufferGen: Symbol('kBufferGen'),
  // The socket or server that owns a handle.
  kOwner: Symbol('owner_symbol'),
  kBoundSource: Symbol('kBoundSource'),
  kBoundPath: Symbol('kBoundPath'),
  kBoundSocketConsume: Symbol('kBoundSocketConsume'),
  kBoundSocketPath: Symbol('kBoundSocketPath'),
  // Marks arguments that were normalized before.
  kNormalizedArgs: Symbol('normalizedArgs'),
  // Methods of Socket.prototype.
  kAfterAsyncWrite: Symbol('kAfterAsyncWrite'),
  kReinitializeHandle: Symbol('kReinitializeHandle'),
  kUpdateTimer: Symbol('kUpdateTimer'),
}
