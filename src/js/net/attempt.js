'use strict'

// One attempt to connect: to an address that is known, from an own one if wanted, and what follows
// when it has succeeded or failed.

const {
  UV_EADDRINUSE,
  UV_EAFNOSUPPORT,
  UV_EINVAL,
  UV_EMFILE,
  UV_ENFILE,
} = require('../internal/errno')
const { codes, errnoException, hostPortException } = require('../internal/errors')
const {
  kSetKeepAlive,
  kSetKeepAliveCount,
  kSetKeepAliveInitialDelay,
  kSetKeepAliveInterval,
  kSetNoDelay,
  kSetTOS,
} = require('../internal/symbols')
const { isIP } = require('./arguments')
const { debug } = require('./debug')
const { requestOf } = require('./request')

const NO_SOCKET = new Set([UV_ENFILE, UV_EMFILE, UV_EAFNOSUPPORT])

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

// A handle that could not begin to connect has no socket, where one of libuv's has one without a name, or a bound one; unless
// there was none to be had, or it did not come to that.
function ownEndpoint(socket, target, status) {
  const { family, localAddress, localPort } = target
  const { address, port } = socket._getsockname()
  const hasNone = NO_SOCKET.has(status) || isIP(target.address) !== family
  if (address !== undefined || family === undefined || hasNone) return `${address}:${port}`
  return `${localAddress || (family === 4 ? '0.0.0.0' : '::')}:${localPort || 0}`
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
  const isLocal = family === undefined
  const request = requestOf(socket, isLocal ? 'PIPECONNECTWRAP' : 'TCPCONNECTWRAP')
  Object.assign(request, target).oncomplete = (status) => afterConnect(socket, target, status)
  const error =
    family === 6 ? handle.connect6(request, address, port) : handle.connect(request, address, port)
  if (error) {
    request.emitDestroy()
    socket.destroy(
      hostPortException(error, 'connect', address, port, ownEndpoint(socket, target, error)),
    )
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

module.exports = { afterConnect, bindLocal, connectError, connectTo, ownEndpoint }
