'use strict'

// Preloaded, first of all, by a child that Ferrowire spawned: puts the channel on `process` and
// removes every trace of how it came there, before other preloads and the script run. A worker
// thread of that child preloads this file too and finds nothing to do.

const process = require('node:process')

const { env } = process

function takeFromEnvironment(name) {
  const value = env[name]
  delete env[name]
  return value
}

const descriptor = takeFromEnvironment('FERROWIRE_CHANNEL_FD')

if (descriptor !== undefined) {
  const serialization = takeFromEnvironment('FERROWIRE_CHANNEL_SERIALIZATION_MODE')
  const maxMessageLength = takeFromEnvironment('FERROWIRE_CHANNEL_MAX_MESSAGE_LENGTH')
  const nodeOptions = takeFromEnvironment('FERROWIRE_CHANNEL_NODE_OPTIONS')
  if (nodeOptions === undefined) delete env.NODE_OPTIONS
  else env.NODE_OPTIONS = nodeOptions
  leaveListOfPreloads()

  const fd = Number(descriptor)
  // The wire is the same, so where our addon may not be loaded (--no-addons) Node's own end serves.
  const limit = maxMessageLength === undefined ? undefined : Number(maxMessageLength)
  if (!installed(fd, serialization, limit))
    require('node:child_process')._forkChild(fd, serialization)
}

function leaveListOfPreloads() {
  const value = process._preload_modules.filter((file) => file !== __filename)
  // Read-only; and a new array, since Node may still be walking the one it has.
  Object.defineProperty(process, '_preload_modules', { value })
}

function installed(fd, serialization, maxMessageLength) {
  let handle
  try {
    handle = require('./engine').openFd(fd)
  } catch (error) {
    if (error.cause?.code !== 'ERR_DLOPEN_DISABLED') process.emitWarning(error)
    return false
  }
  if (typeof handle === 'number') return false
  // Only a cluster's worker listens before any preload.
  const isWorker = process.listenerCount('internalMessage') > 0
  const { openChannel } = require('./internal/channel')
  openChannel(process, handle, serialization, maxMessageLength)
  // What it says first was said to no channel.
  if (isWorker) process._send({ cmd: 'NODE_CLUSTER', act: 'online' }, undefined, true)
  return true
}
