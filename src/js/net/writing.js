'use strict'

// The writable side of a socket: between the stream and the handle, to which write.js brings the
// bytes.

const process = require('node:process')
const stream = require('node:stream')
const { UV_ENOTCONN } = require('../internal/errno')
const { codes, endedByPeer, errnoException } = require('../internal/errors')
const { kAfterAsyncWrite, kLastWriteQueueSize, kOwner } = require('../internal/symbols')
const { callBack } = require('../outbox')
const { doneBelow, isBelow } = require('./below')
const { requestOf } = require('./request')
const { afterRoom, write, writev } = require('./write')

function onWritable() {
  afterRoom(this[kOwner], this)
}

// A failed shutdown ends the stream as well as any other, in Node too.
function onShutdown() {
  const { final } = this
  if (!final) return
  this.final = undefined
  callBack(final.resource, final.callback)
  final.resource.emitDestroy()
}

// A clearer error than "write after end" when it was the peer that ended the connection.
function writeAfterEnd(chunk, encoding, callback) {
  if (!this.writableEnded) {
    return stream.Duplex.prototype.write.call(this, chunk, encoding, callback)
  }
  const done = typeof encoding === 'function' ? encoding : callback
  const error = endedByPeer()
  if (typeof done === 'function') process.nextTick(done, error)
  this.destroy(error)
  return false
}

function defineWriting(Socket) {
  Socket.prototype._writeGeneric = function (isVector, data, encoding, callback) {
    // The stream keeps later writes back until this one is done.
    if (this.connecting) {
      this._pendingData = data
      this._pendingEncoding = encoding
      const onClose = () => callback(new codes.ERR_SOCKET_CLOSED_BEFORE_CONNECTION())
      this.once('connect', function onConnect() {
        this.off('close', onClose)
        this._writeGeneric(isVector, data, encoding, callback)
      })
      this.once('close', onClose)
      return
    }
    this._pendingData = null
    this._pendingEncoding = ''
    if (!this._handle) {
      callback(new codes.ERR_SOCKET_CLOSED())
      return false
    }
    this._unrefTimer()
    const done = isBelow(this) ? doneBelow(this, callback) : callback
    if (isVector) writev(this, data, done)
    else write(this, data, encoding, done)
  }

  Socket.prototype._writev = function (chunks, callback) {
    this._writeGeneric(true, chunks, '', callback)
  }

  Socket.prototype._write = function (data, encoding, callback) {
    this._writeGeneric(false, data, encoding, callback)
  }

  Socket.prototype._final = function (callback) {
    if (this.connecting) {
      this.once('connect', () => this._final(callback))
      return
    }
    if (!this._handle) return callback()
    // The callback belongs to whoever ends the stream, not to the handle.
    this._handle.final = { callback, resource: requestOf(this, 'SHUTDOWNWRAP') }
    const error = this._handle.shutdown()
    // 1: of a stand-in, which has nothing to wait for.
    if (error === 1 || error === UV_ENOTCONN) return callback()
    if (error !== 0) return callback(errnoException(error, 'shutdown'))
  }

  Socket.prototype[kAfterAsyncWrite] = function () {
    this[kLastWriteQueueSize] = 0
  }

  Socket.prototype.end = function (data, encoding, callback) {
    stream.Duplex.prototype.end.call(this, data, encoding, callback)
    return this
  }
}

module.exports = { defineWriting, onShutdown, onWritable, writeAfterEnd }
