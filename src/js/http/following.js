'use strict'

// Who is told when a socket fails. In Node that is one listener of each request and one of the agent, put on and taken off
// in turns. On a socket of our Agent one listener stays, and a mark says whom it means; when a listener of the user has
// come behind it, it is moved to the end, so that the order is Node's.

const kFollowed = Symbol('kFollowed') // on a socket that has such a mark: one of the following
const kListener = Symbol('kListener') // on such a socket: the listener that stays

// Nobody, and the listener is not there yet; nobody; the agent, in its pool; a request.
const NEVER = -1
const NOT = 0
const POOLED = 1
const TAKEN = 2

/** From now on the listener of requests stays on this socket. */
function keepListener(socket) {
  socket[kFollowed] = NEVER
  socket[kListener] = null
}

function putLast(socket, listener) {
  const { error: listeners } = socket._events
  const last = Array.isArray(listeners) ? listeners[listeners.length - 1] : listeners
  if (last === listener) return
  socket.removeListener('error', listener)
  socket.on('error', listener)
}

/** A request has the socket: `listener`, behind those so far. */
function follow(socket, listener) {
  if (socket[kFollowed] === undefined) {
    socket.on('error', listener)
  } else {
    socket[kFollowed] = TAKEN
    socket[kListener] = listener
    putLast(socket, listener)
  }
}

/** The socket has no request any more. */
function unfollow(socket, listener) {
  if (socket[kFollowed] === undefined) socket.removeListener('error', listener)
  else socket[kFollowed] = NOT
}

/** The socket is nobody's for good. */
function leave(socket, listener) {
  socket[kFollowed] = undefined
  socket.removeListener('error', listener)
}

/** The socket waits in a pool for its next request. */
function pool(socket) {
  if (socket[kFollowed] === NOT) {
    socket[kFollowed] = POOLED
    putLast(socket, socket[kListener])
  } else {
    socket.on('error', onFreeSocketError)
  }
}

function unpool(socket) {
  if (socket[kFollowed] === POOLED) socket[kFollowed] = NOT
  else socket.removeListener('error', onFreeSocketError)
}

function onFreeSocketError() {
  this.destroy()
  this.emit('agentRemove')
}

/** Whether a failure is no request's; that of a pooled socket is the agent's. */
function isOthers(socket) {
  const followed = socket[kFollowed]
  if (followed === POOLED) onFreeSocketError.call(socket)
  return followed !== undefined && followed !== TAKEN
}

module.exports = { follow, isOthers, keepListener, leave, pool, unfollow, unpool }
