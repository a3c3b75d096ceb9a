'use strict'

// How a socket connects: what connect() sets up before an address is looked for (lookup.js) and
// tried (attempt.js).

const diagnostics = require('node:diagnostics_channel')
const { codes } = require('../internal/errors')
const { kBoundSource, kNormalizedArgs } = require('../internal/symbols')
const { validateString } = require('../internal/validators')
const { TcpHandle, LocalHandle } = require('../engine')
const { normalizeArgs } = require('./arguments')
const { connectTo } = require('./attempt')
const { leaveBelow } = require('./below')
const { lookupAndConnect } = require('./lookup')
const { Socket, initHandle } = require('./socket')

const clientSocketChannel = diagnostics.channel('net.client.socket')

Socket.prototype.connect = function (...args) {
  const normalized = args[0]?.[kNormalizedArgs] ? args[0] : normalizeArgs(args)
  const [options, callback] = normalized
  if (clientSocketChannel.hasSubscribers) clientSocketChannel.publish({ socket: this })
  if (callback !== null) this.once('connect', callback)
  if (this._parent?.connecting) return this

  if (options.port === undefined && options.path == null) {
    throw new codes.ERR_MISSING_ARGS(['options', 'port', 'path'])
  }
  // A socket that its peer had ended may be connected again.
  if (this.write !== Socket.prototype.write) this.write = Socket.prototype.write
  if (this.destroyed) {
    leaveBelow(this)
    this._handle = null
    this._peername = null
    this._sockname = null
  }

  const { path } = options
  const isLocal = this[kBoundSource] && this._handle ? this._handle instanceof LocalHandle : !!path
  if (!this._handle) {
    this._handle = isLocal ? new LocalHandle() : new TcpHandle()
    initHandle(this)
  }
  this._unrefTimer()
  this.connecting = true
  if (isLocal) {
    validateString(path, 'options.path')
    connectTo(this, { address: path })
  } else {
    lookupAndConnect(this, options)
  }
  return this
}

function connect(...args) {
  const normalized = normalizeArgs(args)
  const [options] = normalized
  const socket = new Socket(options)
  if (options.timeout) socket.setTimeout(options.timeout)
  return socket.connect(normalized)
}

module.exports = { connect }
