'use strict'

// Own properties of a socket whose bytes the engine parses. A 'data' listener, be it of user code or of Node's own client
// on a shared agent, wants those bytes: its reader has to give them up first.

const net = require('../net')

const kReader = Symbol('kReader') // on a socket: its ResponseReader

const { addListener, on, prependListener, removeListener } = net.Socket.prototype

function beforeListening(socket, event) {
  if (event === 'data' || event === 'readable') socket[kReader].unconsume()
}

const watched = {
  on(event, listener) {
    beforeListening(this, event)
    return on.call(this, event, listener)
  },
  addListener(event, listener) {
    beforeListening(this, event)
    return addListener.call(this, event, listener)
  },
  prependListener(event, listener) {
    beforeListening(this, event)
    return prependListener.call(this, event, listener)
  },
}

function watchListeners(socket) {
  Object.assign(socket, watched)
}

function unwatchListeners(socket) {
  if (socket.on === watched.on) Object.assign(socket, { addListener, on, prependListener })
}

/** Whether it is watched, and nobody else looks at its listeners. */
function isWatched(socket) {
  return socket.on === watched.on && socket.removeListener === removeListener
}

module.exports = { isWatched, kReader, unwatchListeners, watchListeners }
