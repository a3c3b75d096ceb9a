'use strict'

// The forms of server.listen(), down to a listening handle.

const diagnostics = require('node:diagnostics_channel')
const { UV_EADDRINUSE, UV_EEXIST, UV_EINVAL } = require('../internal/errno')
const { codes, errnoException, hostPortException, listenException } = require('../internal/errors')
const { loadCluster } = require('../internal/load-cluster')
const { kBoundSocketConsume, kBoundSocketPath, kAsyncId, kOwner } = require('../internal/symbols')
const { validatePort } = require('../internal/validators')
const { TcpHandle, LocalHandle, adopt, adoptShared, closeFd, isHandle } = require('../engine')
const { setClusterOwner } = require('./cluster-owner')
const { addServerAbortSignal } = require('./abort')
const { BoundSocket } = require('./bound-socket')
const { isPipeName, normalizeArgs, toNumber } = require('./arguments')
const { Server, onConnection } = require('./server')
const { handleForFd } = require('./socket')
const { debug } = require('./debug')
const { nextTickOf } = require('./request')

const STDERR = 2
const V6_ONLY = 1
const REUSE_PORT = 2
const READABLE_BY_ALL = 1
const WRITABLE_BY_ALL = 2
// The kernel rounds the number plus one up to a power of two: 512.
const BACKLOG = 511

const listenChannel = diagnostics.tracingChannel('net.server.listen')

// A bound handle, or an error number. Port and family -1 mean a local pipe.
function createServerHandle(address, port, family, fd, flags) {
  let handle
  let error = 0
  if (typeof fd === 'number' && fd >= 0) {
    try {
      handle = handleForFd(fd, true)
    } catch {
      return UV_EINVAL
    }
    error = handle.open(fd, true)
    // Node closes a descriptor that it has opened and that then cannot listen. One that another socket has is not opened.
    if (error && error !== UV_EEXIST && fd > STDERR) closeFd(fd)
  } else if (port === -1 && family === -1) {
    handle = new LocalHandle(LocalHandle.SERVER)
    if (address) error = handle.bind(address)
  } else {
    handle = new TcpHandle(TcpHandle.SERVER)
    error = handle.bind(address || '::', port, flags)
    if (error && !address) {
      handle.close()
      return createServerHandle('0.0.0.0', port, undefined, undefined, flags)
    }
  }
  if (error) {
    handle.close()
    return error
  }
  return handle
}

function emitErrorNT(server, error) {
  server.emit('error', error)
}

function emitListeningNT(server) {
  if (server._handle) server.emit('listening')
}

function listenFailed(server, errno, address, port) {
  const error = listenException(errno, 'listen', address, port)
  if (listenChannel.error.hasSubscribers) listenChannel.error.publish({ server, error })
  nextTickOf(server, emitErrorNT, server, error)
}

// Makes the server's handle, if it has none, and listens on it.
Server.prototype._listen2 = function setupListenHandle(address, port, family, backlog, fd, flags) {
  debug('listen on %s:%s', address, port)
  if (!this._handle) {
    let handle = null
    if (!address && typeof fd !== 'number') {
      // Dual stack where there is IPv6, else IPv4.
      handle = createServerHandle('::', port, 6, fd, flags)
      if (typeof handle === 'number') {
        handle = null
        address = '0.0.0.0'
        family = 4
      } else {
        address = '::'
        family = 6
      }
    }
    handle ??= createServerHandle(address, port, family, fd, flags)
    if (typeof handle === 'number') return listenFailed(this, handle, address, port)
    this._handle = handle
  }
  if (typeof this._handle.getAsyncId === 'function') this[kAsyncId] = this._handle.getAsyncId()
  this._handle[kOwner] = this
  this._handle.onconnection = onConnection
  const error = this._handle.listen(+(backlog || BACKLOG) | 0)
  if (error) {
    this._handle.close()
    this._handle = null
    return listenFailed(this, error, address, port)
  }
  if (listenChannel.asyncEnd.hasSubscribers) listenChannel.asyncEnd.publish({ server: this })
  this._connectionKey = `${family}:${address}:${port}`
  if (this._unref) this.unref()
  nextTickOf(this, emitListeningNT, this)
}

// In a cluster's worker the primary owns the handle, unless the caller wants one of its own.
function listenHere(server, wanted, exclusive) {
  const { address, port, addressType, backlog, fd, flags } = wanted
  const cluster = loadCluster()
  if (cluster.isPrimary || exclusive) {
    server._listen2(address, port, addressType, backlog, fd, flags)
    return
  }
  const listeningId = server._listeningId
  cluster._getServer(server, wanted, (status, handle) => {
    // Closed, or told to listen elsewhere, meanwhile.
    if (listeningId !== server._listeningId) {
      handle.close()
      return
    }
    const error = status || portError(handle, port)
    if (error) {
      server.emit('error', hostPortException(error, 'bind', address, port))
      return
    }
    server._handle?.close()
    setClusterOwner(handle, server)
    server._handle = adoptShared(handle)
    server._listen2(address, port, addressType, backlog, fd, flags)
  })
}

// A failed bind shows as another port than the one asked for.
function portError(handle, port) {
  if (!(port > 0) || !handle.getsockname) return 0
  const name = {}
  return handle.getsockname(name) || (name.port === port ? 0 : UV_EADDRINUSE)
}

function flagsOf({ ipv6Only, reusePort }) {
  return (ipv6Only === true ? V6_ONLY : 0) | (reusePort === true ? REUSE_PORT : 0)
}

// What a cluster's primary is asked for, by the names it knows.
function query(address, port, addressType, backlog, fd, flags) {
  return { address, port, addressType, fd, flags, backlog }
}

function adoptBoundSocket(server, bound, backlog) {
  const path = bound[kBoundSocketPath]
  server._handle = bound[kBoundSocketConsume]()
  if (path !== undefined) server._pipeName = path
  server._listeningId++
  listenHere(server, query(null, -1, -1, backlog), true)
  return server
}

Server.prototype.listen = function (...args) {
  const normalized = normalizeArgs(args)
  let [options] = normalized
  const callback = normalized[1]
  if (this._handle) throw new codes.ERR_SERVER_ALREADY_LISTEN()
  if (listenChannel.asyncStart.hasSubscribers) {
    listenChannel.asyncStart.publish({ server: this, options })
  }
  if (callback !== null) this.once('listening', callback)
  const backlogArg = toNumber(args.length > 1 && args[1]) || toNumber(args.length > 2 && args[2])

  const bound = options instanceof BoundSocket ? options : options.handle
  if (bound instanceof BoundSocket) return adoptBoundSocket(this, bound, backlogArg)

  options = options._handle || options.handle || options
  this._listeningId++
  if (isHandle(options)) {
    this._handle = adopt(options, true)
    listenHere(this, query(null, -1, -1, backlogArg), true)
    return this
  }
  addServerAbortSignal(this, options.signal)
  if (typeof options.fd === 'number' && options.fd >= 0) {
    listenHere(this, query(null, null, null, backlogArg, options.fd))
    return this
  }

  // No port at all means any port.
  if (
    args.length === 0 ||
    typeof args[0] === 'function' ||
    (options.port === undefined && 'port' in options) ||
    options.port === null
  ) {
    options.port = 0
  }
  if (typeof options.port === 'number' || typeof options.port === 'string') {
    validatePort(options.port, 'options.port')
    return listenOnPort(this, options, options.backlog || backlogArg)
  }
  if (options.path && isPipeName(options.path)) {
    return listenOnPath(this, options, options.backlog || backlogArg)
  }
  if (!('port' in options || 'path' in options)) {
    throw new codes.ERR_INVALID_ARG_VALUE(
      'options',
      options,
      'must have the property "port" or "path"',
    )
  }
  throw new codes.ERR_INVALID_ARG_VALUE('options', options)
}

function listenOnPort(server, options, backlog) {
  const port = options.port | 0
  const flags = flagsOf(options)
  const exclusive = options.exclusive || options.reusePort === true
  if (!options.host) {
    listenHere(server, query(null, port, 4, backlog, undefined, flags), exclusive)
    return server
  }
  const listeningId = server._listeningId
  require('node:dns').lookup(options.host, { all: true }, (error, addresses) => {
    // Closed, or told to listen elsewhere, meanwhile.
    if (listeningId !== server._listeningId) return
    if (error) {
      server.emit('error', error)
      return
    }
    const { address, family } = preferRoutable(addresses)
    listenHere(server, query(address, port, family || 4, backlog, undefined, flags), exclusive)
  })
  return server
}

// Link-local IPv6 addresses (fe80::/10) need a scope that a name does not give.
function preferRoutable(addresses) {
  const isLinkLocal = ({ address }) => /^fe[89ab][0-9a-f]:/i.test(address)
  return addresses.find((entry) => !isLinkLocal(entry)) ?? addresses[0]
}

function listenOnPath(server, options, backlog) {
  const { path, readableAll, writableAll } = options
  if (path[0] === '\0' && (readableAll || writableAll)) {
    throw new codes.ERR_INVALID_ARG_VALUE(
      'options',
      options,
      'can not set readableAll or writableAllt to true when path is abstract unix socket',
    )
  }
  server._pipeName = path
  const wanted = { ...query(path, -1, -1, backlog), readableAll, writableAll }
  listenHere(server, wanted, options.exclusive)
  // Without a handle listening failed, and an event will say so.
  const mode =
    (readableAll === true ? READABLE_BY_ALL : 0) | (writableAll === true ? WRITABLE_BY_ALL : 0)
  if (server._handle && mode !== 0) {
    const error = server._handle.fchmod(mode)
    if (error) {
      server._handle.close()
      server._handle = null
      throw errnoException(error, 'uv_pipe_chmod')
    }
  }
  return server
}

module.exports = { createServerHandle }
