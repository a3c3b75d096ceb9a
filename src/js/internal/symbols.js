'use strict'

// Private state of the net classes. One home, so that no two modules mean different things.

module.exports = {
  kHandle: Symbol('kHandle'),
  kTimeout: Symbol('timeout'),
  kLastWriteQueueSize: Symbol('lastWriteQueueSize'),
  kSetNoDelay: Symbol('kSetNoDelay'),
  kSetKeepAlive: Symbol('kSetKeepAlive'),
  kKeepAlive: Symbol('kKeepAlive'),
  kSetTOS: Symbol('kSetTOS'),
  kBytesRead: Symbol('kBytesRead'),
  kBytesWritten: Symbol('kBytesWritten'),
  // The user's read buffer of option `onread`, its callback, its generator.
  kBuffer: Symbol('kBuffer'),
  kBufferCb: Symbol('kBufferCb'),
  kBufferGen: Symbol('kBufferGen'),
  // What was read while that callback wanted a pause.
  kHeldBack: Symbol('kHeldBack'),
  // The write under way that the kernel has not taken whole.
  kUnsent: Symbol('kUnsent'),
  // The socket or server that owns a handle.
  kOwner: Symbol('owner'),
  kBoundSource: Symbol('kBoundSource'),
  kBoundPath: Symbol('kBoundPath'),
  kBoundSocketConsume: Symbol('kBoundSocketConsume'),
  kBoundSocketPath: Symbol('kBoundSocketPath'),
  // Marks arguments that were normalized before.
  kNormalizedArgs: Symbol('normalizedArgs'),
}
