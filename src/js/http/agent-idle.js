'use strict'

// Pooled sockets. Nothing may arrive on one: the next request would take it for its response, so it ends the socket.
// While the engine still parses the bytes, it is the reader that finds no request for them.

const { kOwner } = require('../internal/symbols')

const kUnguarded = Symbol('kUnguarded') // on a handle: what it called before it was guarded
const kListens = Symbol('kListens') // on a socket: it has been guarded by listening for 'data'

// A handle that is going to be what it is: not one that may be replaced while a name's addresses are tried.
function handleOf(socket) {
  const handle = socket._handle
  return !socket.connecting && typeof handle?.startHttp === 'function' ? handle : null
}

function guard(socket) {
  if (socket.readableLength > 0) {
    socket.destroy()
    return
  }
  const handle = handleOf(socket)
  if (handle === null) {
    socket[kListens] = true
    socket.on('data', onIdleData)
    return
  }
  handle[kUnguarded] ??= { onread: handle.onread, onend: handle.onend }
  handle.onread = onIdleEvent
  handle.onend = onIdleEvent
  if (!handle.reading) {
    handle.reading = true
    handle.readStart()
  }
}

function unguard(socket) {
  if (socket[kListens]) {
    socket[kListens] = false
    socket.removeListener('data', onIdleData)
  }
  const handle = handleOf(socket)
  if (handle === null || handle[kUnguarded] === undefined) return
  handle.onread = handle[kUnguarded].onread
  handle.onend = handle[kUnguarded].onend
}

function onIdleData() {
  this.destroy()
}

// Bytes, a FIN or an error on a handle. That the connection has ended is nobody's news.
function onIdleEvent() {
  this[kOwner].destroy()
}

/** True for a pooled socket that cannot carry another request: it is closed, or its peer has ended it. */
function isStale(socket) {
  return socket.destroyed || Boolean(socket._readableState?.ended)
}

/**
 * Whether something has come on a socket since it was last read, which may have been a while ago: the next request would
 * take it for its response. (Node looks since 24.22.)
 */
function hasPendingRead(socket) {
  if (socket.connecting) return false
  const { _handle: handle } = socket
  return typeof handle?.hasPendingRead === 'function' && handle.hasPendingRead() === true
}

module.exports = { guard, hasPendingRead, isStale, unguard }
