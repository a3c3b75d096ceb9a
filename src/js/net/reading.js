'use strict'

// The readable side of a socket: between the handle, which reads or does not, and the stream.

const stream = require('node:stream')
const { errnoException, eventException } = require('../internal/errors')
const { kBuffer, kOwner } = require('../internal/symbols')
const { debug } = require('./debug')
const { isBelow, isTakenByWrapper, readPast, resumeBelow } = require('./below')
const { readInto } = require('./read-into')

const { push } = stream.Duplex.prototype

// Whether push() would do nothing but emit 'data'. It would also schedule a tick that asks for more,
// which a socket that goes on reading does not need.
function flowsFreely(socket) {
  const state = socket._readableState
  return (
    state.flowing === true &&
    state.reading &&
    state.dataEmitted &&
    state.length === 0 &&
    state.decoder === null &&
    state.pipes.length === 0 &&
    socket[kBuffer] === null &&
    socket.push === push &&
    socket._events.data !== undefined
  )
}

function onRead(chunk) {
  const socket = this[kOwner]
  if (socket === undefined) return
  socket._unrefTimer()
  if (socket.destroyed) return
  if (flowsFreely(socket)) {
    socket.emit('data', chunk)
    return
  }
  const wantsMore = socket[kBuffer] ? readInto(socket, this, chunk) : socket.push(chunk)
  if (!wantsMore) {
    this.reading = false
    if (!socket.destroyed) {
      const error = this.readStop()
      if (error) socket.destroy(errnoException(error, 'read'))
    }
  }
}

function onEnd(status) {
  const socket = this[kOwner]
  if (socket === undefined) return
  socket._unrefTimer()
  if (status !== 0) {
    socket.destroy(eventException(status, 'read'))
    return
  }
  if (socket._readableState.endEmitted) return
  socket.push(null)
  socket.read(0)
}

function startReading(socket) {
  debug('start reading')
  socket._handle.reading = true
  const error = socket._handle.readStart()
  if (error) socket.destroy(errnoException(error, 'read'))
}

// With a buffer of the user's own there is no stream buffer between the handle and the callback,
// so pausing and resuming act on the handle itself.
function resumeHandle(socket) {
  if (!socket[kBuffer] || socket.connecting || !socket._handle || socket._handle.reading) return
  startReading(socket)
}

function defineReading(Socket) {
  Socket.prototype._read = function (n) {
    if (this.connecting || !this._handle) {
      this.once('connect', () => this._read(n))
    } else if (!this._handle.reading) {
      startReading(this)
    }
  }

  Socket.prototype.pause = function () {
    if (this[kBuffer] && !this.connecting && this._handle?.reading) {
      this._handle.reading = false
      if (!this.destroyed) {
        const error = this._handle.readStop()
        if (error) this.destroy(errnoException(error, 'read'))
      }
    }
    return stream.Duplex.prototype.pause.call(this)
  }

  Socket.prototype.resume = function () {
    if (!this.connecting && this._handle && isBelow(this)) return resumeBelow(this)
    resumeHandle(this)
    return stream.Duplex.prototype.resume.call(this)
  }

  Socket.prototype.read = function (n) {
    resumeHandle(this)
    return isTakenByWrapper(this) ? readPast(this, n) : stream.Duplex.prototype.read.call(this, n)
  }
}

module.exports = { defineReading, onEnd, onRead }
