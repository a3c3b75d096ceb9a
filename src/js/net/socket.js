'use strict'

// net.Socket: a Duplex over a handle. Here is how one is made and when it is idle; what it does is
// in connect.js, reading.js, writing.js and closing.js, what it tells about itself in socket-info.js.

const stream = require('node:stream')
const { codes, errnoException } = require('../internal/errors')
const { setStreamTimeout } = require('../internal/idle-timer')
const { validateBlockList, validateInt32, validateNumber } = require('../internal/validators')
const symbols = require('../internal/symbols')
const { Handle, TcpHandle, LocalHandle, adopt, kindOf } = require('../engine')
const { addClientAbortSignal } = require('./abort')
const { keepBelow, wrapperOf } = require('./below')
const { BoundSocket } = require('./bound-socket')
const { defineClosing } = require('./closing')
const { setUserBuffer, useUserBuffer } = require('./read-into')
const { defineReading, onEnd, onRead } = require('./reading')
const defineSocketInfo = require('./socket-info')
const { defineWriting, onShutdown, onWritable, writeAfterEnd } = require('./writing')
const { debug } = require('./debug')

const {
  kAsyncId,
  kBoundPath,
  kBoundSocketConsume,
  kBoundSocketPath,
  kBoundSource,
  kBuffer,
  kBufferCb,
  kBufferGen,
  kBytesRead,
  kBytesWritten,
  kHandle,
  kLastWriteQueueSize,
  kOwner,
  kReinitializeHandle,
  kSetKeepAlive,
  kSetKeepAliveInitialDelay,
  kSetNoDelay,
  kSetTOS,
  kTimeout,
  kUpdateTimer,
} = symbols

function rejectObjectMode(options) {
  if (options?.objectMode) {
    throw new codes.ERR_INVALID_ARG_VALUE(
      'options.objectMode',
      options.objectMode,
      'is not supported',
    )
  }
  if (options?.readableObjectMode || options?.writableObjectMode) {
    throw new codes.ERR_INVALID_ARG_VALUE(
      `options.${options.readableObjectMode ? 'readableObjectMode' : 'writableObjectMode'}`,
      options.readableObjectMode || options.writableObjectMode,
      'is not supported',
    )
  }
}

// A handle for a descriptor that the user names; throws ERR_INVALID_FD_TYPE for what is no stream.
function handleForFd(fd, isServer) {
  validateInt32(fd, 'fd', 0)
  const kind = kindOf(fd)
  if (kind === 'PIPE') return new LocalHandle(isServer ? LocalHandle.SERVER : LocalHandle.SOCKET)
  if (kind === 'TCP') return new TcpHandle(isServer ? TcpHandle.SERVER : TcpHandle.SOCKET)
  throw new codes.ERR_INVALID_FD_TYPE(kind)
}

// What a socket always asks of its stream.
const STREAM_OPTIONS = {
  // 'close' comes from the handle's close callback, not from the stream machinery.
  emitClose: false,
  autoDestroy: true,
  decodeStrings: false,
}

// The options of a socket that a server accepted. Nobody else has them, so they need not be copied.
class AcceptOptions {
  constructor(server, handle) {
    this.handle = handle
    this.allowHalfOpen = Boolean(server.allowHalfOpen)
    this.pauseOnCreate = server.pauseOnConnect
    this.readableHighWaterMark = server.highWaterMark
    this.writableHighWaterMark = server.highWaterMark
  }
}
Object.assign(AcceptOptions.prototype, STREAM_OPTIONS)

function Socket(options) {
  if (!(this instanceof Socket)) return new Socket(options)
  rejectObjectMode(options)
  if (options?.keepAliveInitialDelay !== undefined) {
    validateNumber(options.keepAliveInitialDelay, 'options.keepAliveInitialDelay')
    if (options.keepAliveInitialDelay < 0) options.keepAliveInitialDelay = 0
  }

  this.connecting = false
  this[kAsyncId] = -1
  this._hadError = false
  this[kHandle] = null
  this._parent = null
  this._host = null
  this[kLastWriteQueueSize] = 0
  this[kTimeout] = null
  this[kBuffer] = null
  this[kBufferCb] = null
  this[kBufferGen] = null
  this._closeAfterHandlingError = false

  if (!(options instanceof AcceptOptions)) {
    options = typeof options === 'number' ? { fd: options } : { ...options }
    options.allowHalfOpen = Boolean(options.allowHalfOpen)
    Object.assign(options, STREAM_OPTIONS)
  }
  // The stream reads a signal by itself; for a socket it only ends the connecting.
  stream.Duplex.call(this, options)

  const boundNotConnected = takeHandle(this, options)
  setUserBuffer(this, options.onread)

  this[kSetNoDelay] = Boolean(options.noDelay)
  this[kSetKeepAlive] = Boolean(options.keepAlive)
  this[kSetKeepAliveInitialDelay] = ~~(options.keepAliveInitialDelay / 1000)
  if (options.typeOfService !== undefined) {
    validateInt32(options.typeOfService, 'options.typeOfService', 0, 255)
  }
  this[kSetTOS] = options.typeOfService

  this.on('end', onReadableEnd)
  initHandle(this)

  this._pendingData = null
  this._pendingEncoding = ''

  if (this._handle && options.readable !== false && !boundNotConnected) {
    if (options.pauseOnCreate) {
      this._handle.reading = false
      this._handle.readStop()
      this.readableFlowing = false
    } else if (!options.manualStart) {
      this.read(0)
    }
  }

  if (options.signal) addClientAbortSignal(this, options.signal)

  this.server = null
  this._server = null
  this[kBytesRead] = 0
  this[kBytesWritten] = 0
  if (options.blockList) {
    validateBlockList(options.blockList, 'options.blockList')
    this.blockList = options.blockList
  }
}
Object.setPrototypeOf(Socket.prototype, stream.Duplex.prototype)
Object.setPrototypeOf(Socket, stream.Duplex)

// Adopts the handle or descriptor of the options. Gives true for a bound socket, whose reading
// starts only when it is connected.
function takeHandle(socket, options) {
  if (options.handle instanceof BoundSocket) {
    const path = options.handle[kBoundSocketPath]
    socket._handle = options.handle[kBoundSocketConsume]()
    socket[kBoundSource] = true
    if (path !== undefined) socket[kBoundPath] = path
    return true
  }
  if (options.handle) {
    const { handle } = options
    socket._handle = isNodeHandle(handle) ? adopt(handle, false) : handle
  } else if (options.fd !== undefined) {
    const handle = handleForFd(options.fd, false)
    const error = handle.open(options.fd)
    if (error) throw errnoException(error, 'open')
    socket._handle = handle
  }
  return false
}

// Of a built-in socket; any other foreign handle is believed to speak our handles' language.
function isNodeHandle(handle) {
  if (handle instanceof Handle) return false
  const name = handle.constructor?.name
  return name === 'TCP' || name === 'Pipe'
}

// What a handle tells, it tells its socket, unless somebody else has put functions of their own on it. Those of the prototype
// spare each handle four properties.
const EVENTS = { onread: onRead, onend: onEnd, onwritable: onWritable, onshutdown: onShutdown }
Object.assign(Handle.prototype, EVENTS)

// Puts a handle's events on its socket; also when a closed socket is used again.
function initHandle(socket) {
  socket._undestroy()
  socket._sockname = null
  const handle = socket._handle
  if (!handle) return
  handle[kOwner] = socket
  if (typeof handle.getAsyncId === 'function') socket[kAsyncId] = handle.getAsyncId()
  for (const name in EVENTS) if (handle[name] !== EVENTS[name]) handle[name] = EVENTS[name]
  if (socket[kBuffer]) useUserBuffer(socket, handle)
  keepBelow(socket)
}

// For another attempt to connect.
Socket.prototype[kReinitializeHandle] = function reinitializeHandle(handle) {
  this._handle?.close()
  this._handle = handle
  initHandle(this)
}

function onReadableEnd() {
  // TLS above decides when to end; its last bytes may be still to come.
  if (!this.allowHalfOpen && wrapperOf(this)) this.allowHalfOpen = true
  if (!this.allowHalfOpen) this.write = writeAfterEnd
}

Socket.prototype.setTimeout = setStreamTimeout

Socket.prototype._unrefTimer = function _unrefTimer() {
  for (let socket = this; socket != null; socket = socket._parent) {
    if (socket[kTimeout]) socket[kTimeout].refresh()
  }
}

Object.defineProperty(Socket.prototype, kUpdateTimer, {
  get: function () {
    return this._unrefTimer
  },
})

Socket.prototype._onTimeout = function () {
  // A large write that makes progress is activity, although no event tells of it.
  const last = this[kLastWriteQueueSize]
  if (last > 0 && this._handle) {
    const { writeQueueSize } = this._handle
    if (last !== writeQueueSize) {
      this[kLastWriteQueueSize] = writeQueueSize
      this._unrefTimer()
      return
    }
  }
  debug('timeout')
  this.emit('timeout')
}

defineReading(Socket)
defineWriting(Socket)
defineClosing(Socket)
defineSocketInfo(Socket)

module.exports = { AcceptOptions, Socket, handleForFd, initHandle }
