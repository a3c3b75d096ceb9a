'use strict'

// A socket below Node's tls or http2. Of a socket of Node's own these take the handle, and its stream has no part in what
// follows. Any other stream they reach through a wrapper, which reads by 'data', pause() and resume() and writes by write().
// A socket of ours treats the wrapper as Node's own would: what comes goes to it alone, whatever becomes of the stream's flow;
// and that a write has failed is its business alone, since whoever is above may not mind (a last word to a peer that is gone)
// and may still read.

const process = require('node:process')
const { Buffer } = require('node:buffer')
const { Duplex } = require('node:stream')
const { Handle } = require('../handle')
const { UV_EPIPE } = require('../internal/errno')
const { errnoException } = require('../internal/errors')
const { kOwner } = require('../internal/symbols')

const kBelow = Symbol('kBelow')

// The wrapper shows only by the listener that hands the bytes on.
function wrapperOf(socket) {
  const { data } = socket._events
  if (typeof data === 'function') return isWrapper(data) ? data : undefined
  return data?.find(isWrapper)
}

function isWrapper(listener) {
  return listener.name === 'ondata' && String(listener).includes('.readBuffer(')
}

/** Whether the socket is below tls or http2; what that changes is changed from then on. */
function isBelow(socket) {
  const handle = socket._handle
  const { data } = socket._events
  // Asked for each write.
  if (data === handle.plainListener) return false
  if (socket[kBelow] !== undefined) return true
  const listener = wrapperOf(socket)
  if (listener === undefined) {
    if (typeof data === 'function' && handle instanceof Handle) handle.plainListener = data
    return false
  }
  // What the stream has already, or decodes, comes by the stream.
  if (socket.readableLength > 0 || socket.readableEncoding) return false
  socket[kBelow] = { listener, isTelling: false, failure: undefined }
  Object.assign(socket, { pause, resume, unshift, write })
  keepBelow(socket)
  return true
}

/** Whether read() is how tls or http2 take what the stream had before them. They would be told of it by 'data' as well. */
function isTakenByWrapper(socket) {
  const { flowing, length } = socket._readableState
  return length > 0 && flowing !== true && wrapperOf(socket) !== undefined
}

/** read() of which the wrapper's listener hears nothing. */
function readPast(socket, n) {
  const { _events: events } = socket
  const { data } = events
  const others = Array.isArray(data) ? data.filter((listener) => !isWrapper(listener)) : []
  const heard = others.length > 0 ? others : undefined
  events.data = heard
  try {
    return Duplex.prototype.read.call(socket, n)
  } finally {
    if (events.data === heard) events.data = data
  }
}

/** Gives another handle to a socket that is below already. */
function keepBelow(socket) {
  if (socket[kBelow] !== undefined) socket._handle.onread = onRead
}

/** For a socket that is connected again. */
function leaveBelow(socket) {
  if (socket[kBelow] === undefined) return
  for (const name of ['pause', 'resume', 'unshift', 'write', kBelow]) delete socket[name]
}

function onRead(chunk) {
  const socket = this[kOwner]
  if (socket === undefined) return
  socket._unrefTimer()
  tell(socket, chunk)
}

function tell(socket, chunk) {
  const below = socket[kBelow]
  if (socket.destroyed || below === undefined) return
  below.isTelling = true
  try {
    below.listener.call(socket, chunk)
  } finally {
    below.isTelling = false
  }
}

// The wrapper pauses in the middle of what it is told. From anybody else a socket of Node's would not stop reading.
function pause() {
  const handle = this._handle
  if (!this[kBelow].isTelling || !handle?.reading) return this
  handle.reading = false
  const error = handle.readStop()
  if (error) this.destroy(errnoException(error, 'read'))
  return this
}

function resume() {
  const handle = this._handle
  if (!handle || handle.reading) return this
  handle.reading = true
  const error = handle.readStart()
  if (error) this.destroy(errnoException(error, 'read'))
  return this
}

// What somebody had read ahead. http2 takes it a tick later. What is no bytes is the stream's to refuse, or to end by.
function unshift(chunk, encoding) {
  const bytes = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk
  if (!(bytes instanceof Uint8Array)) return Duplex.prototype.unshift.call(this, chunk, encoding)
  if (bytes.length > 0) process.nextTick(tell, this, bytes)
  return true
}

function write(chunk, encoding, callback) {
  const done = typeof encoding === 'function' ? encoding : callback
  const report = (error) => done?.(error ?? this[kBelow]?.failure)
  if (this.writableEnded) {
    process.nextTick(report, errnoException(UV_EPIPE, 'write'))
    return false
  }
  const named = typeof encoding === 'string' ? encoding : undefined
  return Duplex.prototype.write.call(this, chunk, named, report)
}

/** What the stream is told of the end of a write. */
function doneBelow(socket, callback) {
  // The socket may be connected again by then.
  const below = socket[kBelow]
  return (error) => {
    below.failure = error
    callback()
  }
}

const resumeBelow = (socket) => resume.call(socket)

module.exports = {
  doneBelow,
  isBelow,
  isTakenByWrapper,
  keepBelow,
  leaveBelow,
  readPast,
  resumeBelow,
  wrapperOf,
}
