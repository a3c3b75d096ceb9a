'use strict'

// What a request hears of its socket. Node puts its listeners on the socket for each request and takes them off again. On
// a socket of our Agent those for 'error' and 'close' stay, and a mark says whether they are meant; one that a listener of
// the user has come behind of is moved to the end, so that the order is Node's.

const kFollowed = Symbol('kFollowed') // on a socket that has such a mark: one of the following

// By nobody, and no listener is there yet; by nobody; by the agent, in its pool.
const NEVER = -1
const NOT = 0
const POOLED = 1
// By a request, which is to be told of it in the next tick; which has it.
const TAKEN = 2
const TOLD = 3

/** From now on the listeners of requests stay on this socket. */
function keepListeners(socket) {
  socket[kFollowed] = NEVER
}

function isLast(listeners, listener) {
  if (typeof listeners === 'function') return listeners === listener
  return listeners !== undefined && listeners[listeners.length - 1] === listener
}

/** Listens as the last so far; `listeners`: what the socket has for that event. */
function follow(socket, mark, event, listeners, listener) {
  if (socket[kFollowed] !== undefined) {
    socket[kFollowed] = mark
    if (isLast(listeners, listener)) return
    socket.removeListener(event, listener)
  }
  socket.on(event, listener)
}

// --- in the pool ------------------------------------------------------------------------------

/** The socket waits in a pool for its next request. */
function pool(socket) {
  // Unless somebody has taken all listeners off.
  const listens = socket[kFollowed] === NOT && socket._events.error !== undefined
  if (listens) socket[kFollowed] = POOLED
  else socket.on('error', onFreeSocketError)
}

function unpool(socket) {
  if (socket[kFollowed] === POOLED) socket[kFollowed] = NOT
  else socket.removeListener('error', onFreeSocketError)
}

function onFreeSocketError() {
  this.destroy()
  this.emit('agentRemove')
}

module.exports = {
  NOT,
  POOLED,
  TAKEN,
  TOLD,
  follow,
  kFollowed,
  keepListeners,
  onFreeSocketError,
  pool,
  unpool,
}
