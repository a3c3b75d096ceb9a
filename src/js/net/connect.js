'use strict'

// How a socket connects: arguments, name lookup, one address or several in turn (RFC 8305).

const process = require('node:process')
const net = require('node:net')
const diagnostics = require('node:diagnostics_channel')
const { setTimeout, clearTimeout } = require('node:timers')
const { codes, connectAggregate, errnoException, hostPortException } = require('../internal/errors')
const {
  kBoundSource,
  kNormalizedArgs,
  kReinitializeHandle,
  kSetKeepAlive,
  kSetKeepAliveCount,
  kSetKeepAliveInitialDelay,
  kSetKeepAliveInterval,
  kSetNoDelay,
  kSetTOS,
} = require('../internal/symbols')
const {
  validateBoolean,
  validateFunction,
  validateInt32,
  validateNumber,
  validatePort,
  validateString,
  validateStringWithoutNullBytes,
} = require('../internal/validators')
const { TcpHandle, LocalHandle } = require('../engine')
const { Socket, initHandle } = require('./socket')
const { debug } = require('./debug')

const { isIP } = net
const UV_EADDRINUSE = -98
const UV_EINVAL = -22
const UV_ETIMEDOUT = -110

const clientSocketChannel = diagnostics.channel('net.client.socket')

function toNumber(value) {
  const number = Number(value)
  return number >= 0 ? number : false
}

function isPipeName(value) {
  return typeof value === 'string' && toNumber(value) === false
}

// The argument forms of connect and listen, as [options, callback or null].
function normalizeArgs(args) {
  let options = {}
  if (args.length > 0) {
    const first = args[0]
    if (typeof first === 'object' && first !== null) {
      options = first
    } else if (isPipeName(first)) {
      options.path = first
    } else {
      options.port = first
      if (args.length > 1 && typeof args[1] === 'string') options.host = args[1]
    }
  }
  const last = args[args.length - 1]
  const normalized = [options, typeof last === 'function' ? last : null]
  normalized[kNormalizedArgs] = true
  return normalized
}

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

// --- one address ------------------------------------------------------------------------------

// A used address shows only here: a failed bind would let connect pick a random port.
function bindLocal(handle, { family, localAddress, localPort }) {
  if (isIP(localAddress) !== family) return UV_EINVAL
  let error = handle.bind(localAddress, localPort || 0)
  if (error === 0 && localPort > 0) {
    const name = {}
    error = handle.getsockname(name)
    if (error === 0 && name.port !== localPort) error = UV_EADDRINUSE
  }
  return error
}

function ownEndpoint(socket) {
  const { address, port } = socket._getsockname()
  return `${address}:${port}`
}

// Begins to connect to `target`: { address, port, family, localAddress, localPort }; a local pipe
// has an address only.
function connectTo(socket, target) {
  const { address, port, family, localPort } = target
  const handle = socket._handle
  if (target.localAddress || localPort) {
    target.localAddress ||= family === 4 ? '0.0.0.0' : '::'
    const error = bindLocal(handle, target)
    if (error) {
      socket.destroy(hostPortException(error, 'bind', target.localAddress, localPort))
      return
    }
  }
  debug('connect to %s:%s', address, port)
  socket.emit('connectionAttempt', address, port, family)
  if (family !== undefined && socket.blockList?.check(address, `ipv${family}`)) {
    socket.destroy(new codes.ERR_IP_BLOCKED(address))
    return
  }
  handle.onconnect = (status) => afterConnect(socket, target, status)
  const error = family === undefined ? handle.connect(address) : handle.connect(address, port)
  if (error) {
    socket.destroy(hostPortException(error, 'connect', address, port, ownEndpoint(socket)))
  }
}

function connectError(status, { address, port, localAddress, localPort }) {
  const details = localAddress && localPort ? `${localAddress}:${localPort}` : undefined
  const error = hostPortException(status, 'connect', address, port, details)
  if (details) Object.assign(error, { localAddress, localPort })
  return error
}

function afterConnect(socket, target, status) {
  if (socket.destroyed) return
  socket.connecting = false
  socket._sockname = null
  if (status !== 0) {
    const error = connectError(status, target)
    socket.emit('connectionAttemptFailed', target.address, target.port, target.family, error)
    socket.destroy(error)
    return
  }
  socket._unrefTimer()
  applyOptions(socket)
  socket.emit('connect')
  socket.emit('ready')
  if (!socket.isPaused()) socket.read(0)
}

// What was set before there was a connection.
function applyOptions(socket) {
  const handle = socket._handle
  if (socket[kSetNoDelay]) handle.setNoDelay?.(true)
  if (socket[kSetKeepAlive]) {
    handle.setKeepAlive?.(
      true,
      socket[kSetKeepAliveInitialDelay],
      socket[kSetKeepAliveInterval],
      socket[kSetKeepAliveCount],
    )
  }
  if (socket[kSetTOS] !== undefined && handle.setTypeOfService) {
    const error = handle.setTypeOfService(socket[kSetTOS])
    if (error) socket.emit('error', errnoException(error, 'setTypeOfService'))
  }
}

// --- several addresses in turn ----------------------------------------------------------------

// Tries the addresses of `context` one after the other, the next one when the last failed or took
// too long.
function connectNext(context) {
  clearTimeout(context.timer)
  const { socket, addresses, errors } = context
  if (socket._aborted) return
  if (context.current === addresses.length) {
    socket.destroy(
      errors.length === 0 ? new codes.ERR_SOCKET_CONNECTION_TIMEOUT() : connectAggregate(errors),
    )
    return
  }
  const turn = context.current++
  if (turn > 0) socket[kReinitializeHandle](new TcpHandle())
  const { address, family } = addresses[turn]
  const { port, localPort } = context
  const localAddress = localPort ? (family === 4 ? '0.0.0.0' : '::') : undefined
  const target = { address, port, family, localAddress, localPort }
  const handle = socket._handle

  if (localPort) {
    const error = bindLocal(handle, target)
    if (error) {
      errors.push(hostPortException(error, 'bind', localAddress, localPort))
      return connectNext(context)
    }
  }
  if (socket.blockList?.check(address, `ipv${family}`)) {
    return attemptFailed(context, target, new codes.ERR_IP_BLOCKED(address))
  }
  socket.emit('connectionAttempt', address, port, family)
  handle.onconnect = (status) => afterAttempt(context, target, turn, handle, status)
  socket.autoSelectFamilyAttemptedAddresses.push(`${address}:${port}`)
  const error = handle.connect(address, port)
  if (error) {
    const failure = hostPortException(error, 'connect', address, port, ownEndpoint(socket))
    return attemptFailed(context, target, failure)
  }
  if (turn < addresses.length - 1) {
    context.timer = setTimeout(attemptTimedOut, context.timeout, context, target, handle)
  }
}

function attemptFailed(context, { address, port, family }, error) {
  context.errors.push(error)
  context.socket.emit('connectionAttemptFailed', address, port, family, error)
  if (context.socket.connecting) connectNext(context)
}

function afterAttempt(context, target, turn, handle, status) {
  clearTimeout(context.timer)
  if (status === 0 && turn !== context.current - 1) {
    handle.close()
  } else if (status !== 0) {
    attemptFailed(context, target, connectError(status, target))
  } else {
    afterConnect(context.socket, target, 0)
  }
}

function attemptTimedOut(context, target, handle) {
  const { address, port, family } = target
  context.socket.emit('connectionAttemptTimeout', address, port, family)
  handle.onconnect = () => {}
  context.errors.push(connectError(UV_ETIMEDOUT, target))
  handle.close()
  if (context.socket.connecting) connectNext(context)
}

// --- names ------------------------------------------------------------------------------------

function attemptOptions(options) {
  let { autoSelectFamily: auto, autoSelectFamilyAttemptTimeout: timeout } = options
  if (auto != null) validateBoolean(auto, 'options.autoSelectFamily')
  else auto = net.getDefaultAutoSelectFamily()
  if (timeout != null) {
    validateInt32(timeout, 'options.autoSelectFamilyAttemptTimeout', 1)
    timeout = Math.max(timeout, 10)
  } else {
    timeout = net.getDefaultAutoSelectFamilyAttemptTimeout()
  }
  return { auto, timeout }
}

function dnsOptions({ family, hints }) {
  family = family === 'IPv4' ? 4 : family === 'IPv6' ? 6 : family
  hints ||= 0
  const isOpen = family !== 4 && family !== 6
  if (isOpen && hints === 0 && process.platform !== 'win32') hints = require('node:dns').ADDRCONFIG
  return { family, hints, isOpen }
}

function lookupAndConnect(socket, options) {
  const { localAddress, localPort } = options
  const host = options.host || 'localhost'
  validateStringWithoutNullBytes(host, 'options.host')
  if (socket[kBoundSource] && (localAddress !== undefined || localPort !== undefined)) {
    throw new codes.ERR_INVALID_ARG_VALUE(
      'options',
      options,
      'localAddress and localPort cannot be used with an adopted bound socket',
    )
  }
  if (localAddress && !isIP(localAddress)) throw new codes.ERR_INVALID_IP_ADDRESS(localAddress)
  if (localPort) validateNumber(localPort, 'options.localPort')
  let { port } = options
  if (port !== undefined) {
    if (typeof port !== 'number' && typeof port !== 'string') {
      throw new codes.ERR_INVALID_ARG_TYPE('options.port', ['number', 'string'], port)
    }
    validatePort(port)
  }
  port |= 0
  const { auto, timeout } = attemptOptions(options)

  const family = isIP(host)
  if (family) {
    const target = { address: host, port, family, localAddress, localPort }
    if (socket[kBoundSource]) {
      connectTo(socket, target)
    } else {
      process.nextTick(() => {
        if (socket.connecting) connectTo(socket, target)
      })
    }
    return
  }

  if (options.lookup != null) validateFunction(options.lookup, 'options.lookup')
  const lookup = options.lookup || require('node:dns').lookup
  const { family: wanted, hints, isOpen } = dnsOptions(options)
  socket._host = host
  debug('look up %s', host)
  if (isOpen && !localAddress && auto && !socket[kBoundSource]) {
    const context = { socket, host, port, localPort, timeout, current: 0, timer: null, errors: [] }
    lookup(host, { family: wanted, hints, all: true }, (error, addresses) =>
      afterLookupAll(context, error, addresses),
    )
  } else {
    lookup(host, { family: wanted, hints }, (error, ip, found) =>
      afterLookup(socket, { host, port, localAddress, localPort, options }, error, ip, found),
    )
  }
}

// The user's listeners come after createConnection returns, so errors wait a tick.
function destroyNT(socket, error) {
  socket.destroy(error)
}

function afterLookup(socket, request, error, ip, family) {
  const { host, port, localAddress, localPort, options } = request
  socket.emit('lookup', error, ip, family, host)
  if (!socket.connecting) return
  if (error) {
    process.nextTick(destroyNT, socket, error)
  } else if (typeof ip !== 'string' || !isIP(ip)) {
    process.nextTick(destroyNT, socket, new codes.ERR_INVALID_IP_ADDRESS(ip))
  } else if (family !== 4 && family !== 6) {
    const invalid = new codes.ERR_INVALID_ADDRESS_FAMILY(family, options.host, options.port)
    process.nextTick(destroyNT, socket, invalid)
  } else {
    socket._unrefTimer()
    connectTo(socket, { address: ip, port, family, localAddress, localPort })
  }
}

// Families alternate, the first answer's first; each address is tried once.
function interleave(addresses) {
  const first = addresses[0].family
  const groups = [[], []]
  const seen = new Set()
  for (const entry of addresses) {
    if (seen.has(entry.address)) continue
    seen.add(entry.address)
    groups[entry.family === first ? 0 : 1].push(entry)
  }
  const order = []
  for (let i = 0; i < Math.max(groups[0].length, groups[1].length); i++) {
    for (const group of groups) if (i < group.length) order.push(group[i])
  }
  return order
}

function afterLookupAll(context, error, addresses) {
  const { socket, host, port } = context
  if (!socket.connecting) return
  if (error) {
    socket.emit('lookup', error, undefined, undefined, host)
    process.nextTick(destroyNT, socket, error)
    return
  }
  const valid = []
  for (const entry of addresses) {
    const { address, family } = entry
    socket.emit('lookup', error, address, family, host)
    if (!socket.connecting) return
    if (isIP(address) && (family === 4 || family === 6)) valid.push(entry)
  }
  if (valid.length === 0) {
    const { address, family } = addresses[0]
    const invalid = isIP(address)
      ? new codes.ERR_INVALID_ADDRESS_FAMILY(family, host, port)
      : new codes.ERR_INVALID_IP_ADDRESS(address)
    process.nextTick(destroyNT, socket, invalid)
    return
  }
  const order = interleave(valid)
  socket._unrefTimer()
  if (order.length === 1) {
    const { address, family } = order[0]
    connectTo(socket, { address, port, family, localPort: context.localPort })
    return
  }
  socket.autoSelectFamilyAttemptedAddresses = []
  context.addresses = order
  connectNext(context)
}

function connect(...args) {
  const normalized = normalizeArgs(args)
  const [options] = normalized
  const socket = new Socket(options)
  if (options.timeout) socket.setTimeout(options.timeout)
  return socket.connect(normalized)
}

module.exports = { connect, isPipeName, normalizeArgs, toNumber }
