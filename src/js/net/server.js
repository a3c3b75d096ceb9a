'use strict'

// net.Server: the listener, its connections, its end. The forms of listen() are listen.js.

const EventEmitter = require('node:events')
const { getDefaultHighWaterMark } = require('node:stream')
const diagnostics = require('node:diagnostics_channel')
const { promisify } = require('node:util')
const { codes, errnoException } = require('../internal/errors')
const { validateBlockList, validateNumber } = require('../internal/validators')
const {
  kAsyncId,
  kOwner,
  kSetKeepAlive,
  kSetKeepAliveInitialDelay,
  kSetNoDelay,
} = require('../internal/symbols')
const { adopt } = require('../engine')
const { isIP } = require('./arguments')
const { AcceptOptions, Socket } = require('./socket')
const { debug } = require('./debug')
const { nextTickOf } = require('./request')

const serverSocketChannel = diagnostics.channel('net.server.socket')

function Server(options, connectionListener) {
  if (!(this instanceof Server)) return new Server(options, connectionListener)
  EventEmitter.call(this)

  if (typeof options === 'function') {
    connectionListener = options
    options = {}
  } else if (options == null || typeof options === 'object') {
    options = { ...options }
  } else {
    throw new codes.ERR_INVALID_ARG_TYPE('options', 'Object', options)
  }
  if (typeof connectionListener === 'function') this.on('connection', connectionListener)

  if (options.keepAliveInitialDelay !== undefined) {
    validateNumber(options.keepAliveInitialDelay, 'options.keepAliveInitialDelay')
    if (options.keepAliveInitialDelay < 0) options.keepAliveInitialDelay = 0
  }
  if (options.highWaterMark !== undefined) {
    validateNumber(options.highWaterMark, 'options.highWaterMark')
    if (options.highWaterMark < 0) options.highWaterMark = getDefaultHighWaterMark(false)
  }

  this._connections = 0
  this[kAsyncId] = -1
  this._handle = null
  this._usingWorkers = false
  this._workers = []
  this._unref = false
  this._listeningId = 1

  this.allowHalfOpen = options.allowHalfOpen || false
  this.pauseOnConnect = !!options.pauseOnConnect
  this.noDelay = Boolean(options.noDelay)
  this.keepAlive = Boolean(options.keepAlive)
  this.keepAliveInitialDelay = ~~(options.keepAliveInitialDelay / 1000)
  this.highWaterMark = options.highWaterMark ?? getDefaultHighWaterMark(false)
  if (options.blockList) {
    validateBlockList(options.blockList, 'options.blockList')
    this.blockList = options.blockList
  }
}
Object.setPrototypeOf(Server.prototype, EventEmitter.prototype)
Object.setPrototypeOf(Server, EventEmitter)

// What 'drop' tells of a connection that is refused.
function describe(client) {
  if (!client.getsockname) return undefined
  const [local, remote] = [{}, {}]
  client.getsockname(local)
  client.getpeername(remote)
  return Object.assign(Object.create(null), {
    localAddress: local.address,
    localPort: local.port,
    localFamily: local.family,
    remoteAddress: remote.address,
    remotePort: remote.port,
    remoteFamily: remote.family,
  })
}

function isBlocked(server, client) {
  if (!server.blockList || typeof client.getpeername !== 'function') return false
  const remote = {}
  client.getpeername(remote)
  const family = isIP(remote.address)
  return family !== 0 && server.blockList.check(remote.address, `ipv${family}`)
}

// `onconnection` of a listening handle.
function onConnection(error, client) {
  const server = this[kOwner]
  if (error) {
    server.emit('error', errnoException(error, 'accept'))
    return
  }
  // In a cluster's worker it is Node that accepted.
  client = adopt(client, false)
  if (server.maxConnections != null && server._connections >= server.maxConnections) {
    const data = describe(client)
    if (data === undefined) server.emit('drop')
    else server.emit('drop', data)
    client.close()
    return
  }
  if (isBlocked(server, client)) {
    client.close()
    return
  }

  const socket = new Socket(new AcceptOptions(server, client))
  if (server.noDelay && client.setNoDelay) {
    socket[kSetNoDelay] = true
    client.setNoDelay(true)
  }
  if (server.keepAlive && client.setKeepAlive) {
    socket[kSetKeepAlive] = true
    socket[kSetKeepAliveInitialDelay] = server.keepAliveInitialDelay
    client.setKeepAlive(true, server.keepAliveInitialDelay)
  }
  server._connections++
  socket.server = server
  socket._server = server
  debug('connection')
  server.emit('connection', socket)
  if (serverSocketChannel.hasSubscribers) serverSocketChannel.publish({ socket })
}

// Counts the connections, those included that child processes took over.
Server.prototype.getConnections = function (callback) {
  if (!this._usingWorkers) {
    nextTickOf(this, callback, null, this._connections)
    return this
  }
  let left = this._workers.length
  let total = this._connections
  const onCount = (error, count) => {
    if (error) {
      left = -1
      nextTickOf(this, callback, error)
      return
    }
    total += count
    if (--left === 0) nextTickOf(this, callback, null, total)
  }
  for (const worker of this._workers) worker.getConnections(onCount)
  return this
}

Server.prototype.close = function (callback) {
  this._listeningId++
  if (typeof callback === 'function') {
    if (this._handle) {
      this.once('close', callback)
    } else {
      this.once('close', function onClose() {
        callback(new codes.ERR_SERVER_NOT_RUNNING())
      })
    }
  }
  if (this._handle) {
    this._handle.close()
    this._handle = null
  }
  if (this._usingWorkers) {
    let left = this._workers.length
    // Holds 'close' back until every worker has answered.
    this._connections++
    for (const worker of this._workers) {
      worker.close(() => {
        if (--left !== 0) return
        this._connections = 0
        this._emitCloseIfDrained()
      })
    }
  } else {
    this._emitCloseIfDrained()
  }
  return this
}

function emitCloseNT(server) {
  debug('server close')
  server.emit('close')
}

Server.prototype._emitCloseIfDrained = function () {
  if (this._handle || this._connections) return
  nextTickOf(this, emitCloseNT, this)
}

if (Symbol.asyncDispose) {
  Server.prototype[Symbol.asyncDispose] = async function () {
    if (this._handle) await promisify(this.close).call(this)
  }
}

Server.prototype[EventEmitter.captureRejectionSymbol] = function (error, event, socket) {
  if (event === 'connection') socket.destroy(error)
  else this.emit('error', error)
}

Object.defineProperty(Server.prototype, 'listening', {
  get() {
    return !!this._handle
  },
  configurable: true,
  enumerable: true,
})

Server.prototype.address = function () {
  if (this._handle?.getsockname) {
    const name = {}
    const error = this._handle.getsockname(name)
    if (error) throw errnoException(error, 'address')
    return name
  }
  return this._pipeName ? this._pipeName : null
}

Server.prototype._setupWorker = function (socketList) {
  this._usingWorkers = true
  this._workers.push(socketList)
  socketList.once('exit', (gone) => {
    const index = this._workers.indexOf(gone)
    if (index !== -1) this._workers.splice(index, 1)
  })
}

Server.prototype.ref = function () {
  this._unref = false
  this._handle?.ref()
  return this
}

Server.prototype.unref = function () {
  this._unref = true
  this._handle?.unref()
  return this
}

module.exports = { Server, onConnection }
