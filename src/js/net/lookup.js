'use strict'

// From a host to addresses: the options that say where to, the name lookup, and with its answer on
// to one attempt or to several in turn.

const process = require('node:process')
const { codes } = require('../internal/errors')
const { kBoundSource } = require('../internal/symbols')
const {
  validateBoolean,
  validateFunction,
  validateInt32,
  validateNumber,
  validatePort,
  validateStringWithoutNullBytes,
} = require('../internal/validators')
const { isIP, nodeNet } = require('./arguments')
const { connectTo } = require('./attempt')
const { connectNext, interleave } = require('./auto-select-family')
const { debug } = require('./debug')
const { nextTickOf, runOf } = require('./request')

function attemptOptions(options) {
  let { autoSelectFamily: auto, autoSelectFamilyAttemptTimeout: timeout } = options
  if (auto != null) validateBoolean(auto, 'options.autoSelectFamily')
  else auto = nodeNet().getDefaultAutoSelectFamily()
  if (timeout != null) {
    validateInt32(timeout, 'options.autoSelectFamilyAttemptTimeout', 1)
    timeout = Math.max(timeout, 10)
  } else {
    timeout = nodeNet().getDefaultAutoSelectFamilyAttemptTimeout()
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
      nextTickOf(socket, () => {
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
    runOf(socket, lookup, host, { family: wanted, hints, all: true }, (error, addresses) =>
      afterLookupAll(context, error, addresses),
    )
  } else {
    runOf(socket, lookup, host, { family: wanted, hints }, (error, ip, found) =>
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

module.exports = { lookupAndConnect }
