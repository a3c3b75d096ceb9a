'use strict'

// The listeners that a socket has for the time of one request: of 'end', 'close' and 'timeout', each behind the one that is
// always there. They come and go with every request, and a stream's on() and removeListener() take 8 % of the client's user
// time for that. Where a list is as expected it is replaced by hand, with the same result; else those two do it.

const { IncomingMessage } = require('node:http')
const { isWatched } = require('./watched-socket')

function canAdd(socket) {
  return isWatched(socket) && socket._events.newListener === undefined
}

function canRemove(socket) {
  return isWatched(socket) && socket._events.removeListener === undefined
}

function isSecond(listeners, listener) {
  return Array.isArray(listeners) && listeners.length === 2 && listeners[1] === listener
}

// One function for each event: property names that are known keep their lookups short.

function onEnd(socket, listener) {
  const { _events: events } = socket
  if (canAdd(socket) && typeof events.end === 'function') events.end = [events.end, listener]
  else socket.on('end', listener)
}

function offEnd(socket, listener) {
  const { _events: events } = socket
  if (canRemove(socket) && isSecond(events.end, listener)) events.end = events.end[0]
  else socket.removeListener('end', listener)
}

function onClose(socket, listener) {
  const { _events: events } = socket
  if (canAdd(socket) && typeof events.close === 'function') events.close = [events.close, listener]
  else socket.on('close', listener)
}

function offClose(socket, listener) {
  const { _events: events } = socket
  if (canRemove(socket) && isSecond(events.close, listener)) events.close = events.close[0]
  else socket.removeListener('close', listener)
}

function onTimeout(socket, listener) {
  const { _events: events } = socket
  if (canAdd(socket) && typeof events.timeout === 'function') {
    events.timeout = [events.timeout, listener]
  } else {
    socket.on('timeout', listener)
  }
}

function offTimeout(socket, listener) {
  const { _events: events } = socket
  if (canRemove(socket) && isSecond(events.timeout, listener)) events.timeout = events.timeout[0]
  else socket.removeListener('timeout', listener)
}

const { on } = IncomingMessage.prototype

/** Of a response that nobody has seen yet. */
function onFirstEnd(res, listener) {
  const { _events: events } = res
  if (res._eventsCount === 0 && res.on === on) {
    events.end = listener
    res._eventsCount = 1
  } else {
    res.on('end', listener)
  }
}

/** Most requests are written by the time they get the socket, and have never listened. */
function offDrain(socket, listener) {
  if (!isWatched(socket) || socket._events.drain !== undefined) {
    socket.removeListener('drain', listener)
  }
}

module.exports = { offClose, offDrain, offEnd, offTimeout, onClose, onEnd, onFirstEnd, onTimeout }
