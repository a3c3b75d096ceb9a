'use strict'

// Several addresses in turn (RFC 8305, "happy eyeballs"): the next one is tried when the last has
// failed or takes too long.

const { UV_ECANCELED, UV_ETIMEDOUT } = require('../internal/errno')
const { codes, connectAggregate, hostPortException } = require('../internal/errors')
const { kReinitializeHandle } = require('../internal/symbols')
const { clearTimeout, setTimeout } = require('../internal/timers')
const { TcpHandle } = require('../engine')
const { afterConnect, bindLocal, connectError, ownEndpoint } = require('./attempt')
const { requestOf } = require('./request')

// Families alternate, the first answer's first; an address is tried once in each.
function interleave(addresses) {
  const first = addresses[0].family
  const groups = [new Map(), new Map()]
  for (const entry of addresses) {
    const group = groups[entry.family === first ? 0 : 1]
    if (!group.has(entry.address)) group.set(entry.address, entry)
  }
  const [one, other] = groups.map((group) => [...group.values()])
  const order = []
  for (let i = 0; i < Math.max(one.length, other.length); i++) {
    if (i < one.length) order.push(one[i])
    if (i < other.length) order.push(other[i])
  }
  return order
}

// Tries the addresses of `context` from `current` on.
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
  // A listener has given it up.
  if (!socket.connecting) return
  const request = requestOf(socket, 'TCPCONNECTWRAP')
  const done = (status) => afterAttempt(context, target, turn, handle, status)
  Object.assign(request, target).oncomplete = done
  handle.cancelConnect = () => request.runInAsyncScope(done, undefined, UV_ECANCELED)
  socket.autoSelectFamilyAttemptedAddresses.push(`${address}:${port}`)
  const error =
    family === 6 ? handle.connect6(request, address, port) : handle.connect(request, address, port)
  if (error) {
    request.emitDestroy()
    handle.cancelConnect = undefined
    const failure = hostPortException(
      error,
      'connect',
      address,
      port,
      ownEndpoint(socket, target, error),
    )
    return attemptFailed(context, target, failure)
  }
  if (turn < addresses.length - 1) {
    context.timer = setTimeout(attemptTimedOut, context.timeout, context, target, handle, request)
  }
}

function attemptFailed(context, { address, port, family }, error) {
  context.errors.push(error)
  context.socket.emit('connectionAttemptFailed', address, port, family, error)
  if (context.socket.connecting) connectNext(context)
}

function afterAttempt(context, target, turn, handle, status) {
  clearTimeout(context.timer)
  handle.cancelConnect = undefined
  if (status === 0 && turn !== context.current - 1) {
    handle.close()
  } else if (status !== 0) {
    attemptFailed(context, target, connectError(status, target))
  } else {
    afterConnect(context.socket, target, 0)
  }
}

function attemptTimedOut(context, target, handle, request) {
  const { address, port, family } = target
  context.socket.emit('connectionAttemptTimeout', address, port, family)
  request.oncomplete = () => {}
  handle.cancelConnect = undefined
  context.errors.push(connectError(UV_ETIMEDOUT, target))
  handle.close()
  if (context.socket.connecting) connectNext(context)
}

module.exports = { connectNext, interleave }
