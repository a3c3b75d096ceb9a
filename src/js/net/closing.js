'use strict'

// How a socket ends: destroyed, reset or once all is written. Its 'close' comes from the handle.

const process = require('node:process')
const { codes, errnoException } = require('../internal/errors')
const { kBytesRead, kBytesWritten, kTimeout } = require('../internal/symbols')
const { clearTimeout, queueMicrotask } = require('../internal/timers')
const { Handle, TcpHandle } = require('../engine')
const { debug } = require('./debug')
const { cancelUnsent } = require('./write')
const { onShutdown } = require('./writing')

function noop() {}

// What was under way when the handle was closed.
function cancelRequests(handle) {
  handle.cancelConnect?.()
  cancelUnsent(handle)
  if (handle instanceof Handle) onShutdown.call(handle)
}

function closeHandle(socket, hadError, cleanUp) {
  if (!socket._handle) return
  const { _handle: handle } = socket
  handle.close(() => {
    cancelRequests(handle)
    debug('emit close')
    socket.emit('close', hadError)
    if (cleanUp) {
      socket._handle.onread = noop
      socket._handle = null
      socket._sockname = null
    }
  })
}

function emitCloseNT(socket) {
  socket.emit('close')
}

function defineClosing(Socket) {
  Socket.prototype.destroySoon = function () {
    if (this.writable) this.end()
    if (this.writableFinished) this.destroy()
    else this.once('finish', this.destroy)
  }

  Socket.prototype._destroy = function (exception, callback) {
    debug('destroy')
    this.connecting = false
    for (let socket = this; socket != null; socket = socket._parent) clearTimeout(socket[kTimeout])

    if (this._handle) {
      const hadError = Boolean(exception)
      this[kBytesRead] = this._handle.bytesRead
      this[kBytesWritten] = this._handle.bytesWritten
      if (this.resetAndClosing) {
        this.resetAndClosing = false
        const { _handle: handle } = this
        const error = handle.reset(() => {
          cancelRequests(handle)
          this.emit('close', hadError)
        })
        if (error) this.emit('error', errnoException(error, 'reset'))
      } else if (this._closeAfterHandlingError) {
        // So that the 'error' listener still finds an open socket.
        queueMicrotask(() => closeHandle(this, hadError, true))
      } else {
        closeHandle(this, hadError, false)
      }
      if (!this._closeAfterHandlingError) {
        this._handle.onread = noop
        this._handle = null
        this._sockname = null
      }
      callback(exception)
    } else {
      callback(exception)
      process.nextTick(emitCloseNT, this)
    }

    if (this._server) {
      this._server._connections--
      this._server._emitCloseIfDrained?.()
    }
  }

  Socket.prototype.resetAndDestroy = function () {
    if (!this._handle) {
      this.destroy(new codes.ERR_SOCKET_CLOSED())
    } else if (!(this._handle instanceof TcpHandle)) {
      throw new codes.ERR_INVALID_HANDLE_TYPE()
    } else if (this.connecting) {
      this.once('connect', () => this._reset())
    } else {
      this._reset()
    }
    return this
  }

  Socket.prototype._reset = function () {
    this.resetAndClosing = true
    return this.destroy()
  }
}

module.exports = { defineClosing }
