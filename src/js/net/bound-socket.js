'use strict'

// net.BoundSocket: a socket with an own address that neither listens nor connects yet, until one
// Server or Socket adopts it.

const process = require('node:process')
const { codes, errnoException, hostPortException } = require('../internal/errors')
const { kBoundSocketConsume, kBoundSocketPath } = require('../internal/symbols')
const {
  validateBoolean,
  validateObject,
  validatePort,
  validateString,
} = require('../internal/validators')
const { TcpHandle, LocalHandle } = require('../engine')
const { isIP } = require('./arguments')

const V6_ONLY = 1
const REUSE_PORT = 2

function bindTcp(options, address) {
  const port = validatePort(options.port ?? 0, 'options.port')
  const ipv6Only = options.ipv6Only ?? false
  validateBoolean(ipv6Only, 'options.ipv6Only')
  const reusePort = options.reusePort ?? false
  validateBoolean(reusePort, 'options.reusePort')
  let { host } = options
  if (host === undefined || host === null) {
    host = ipv6Only ? '::' : '0.0.0.0'
  } else {
    validateString(host, 'options.host')
    if (isIP(host) === 0) {
      throw new codes.ERR_INVALID_ARG_VALUE(
        'options.host',
        host,
        'must be a numeric IP address; net.BoundSocket does not perform DNS resolution',
      )
    }
  }
  const handle = new TcpHandle(TcpHandle.SOCKET)
  const flags = (ipv6Only ? V6_ONLY : 0) | (reusePort ? REUSE_PORT : 0)
  const error = handle.bind(host, port, flags) || handle.getsockname(address)
  if (error) {
    handle.close()
    throw hostPortException(error, 'bind', host, port)
  }
  return handle
}

function bindLocal(options) {
  const { path } = options
  if (['host', 'port', 'ipv6Only', 'reusePort'].some((name) => options[name] !== undefined)) {
    throw new codes.ERR_INVALID_ARG_VALUE(
      'options',
      options,
      'path is mutually exclusive with host, port, ipv6Only, and reusePort',
    )
  }
  validateString(path, 'options.path')
  if (path[0] === '\0' && process.platform !== 'linux') {
    throw new codes.ERR_INVALID_ARG_VALUE(
      'options.path',
      path,
      'abstract socket paths are only supported on Linux',
    )
  }
  const handle = new LocalHandle(LocalHandle.SOCKET)
  const error = handle.bind(path)
  if (error) {
    handle.close()
    throw errnoException(error, 'bind')
  }
  return handle
}

// What a bound socket that comes from another process is made of.
class Arrived {
  constructor(handle) {
    this.handle = handle
  }
}

let handleOf

class BoundSocket {
  #handle
  #address = {}
  #path

  // Not a member: those are Node's.
  static {
    handleOf = (bound) => bound.#handle
  }

  constructor(options = {}) {
    if (options instanceof Arrived) {
      this.#handle = options.handle
      this.#handle.getsockname(this.#address)
      return
    }
    validateObject(options, 'options')
    if (options.path === undefined) {
      this.#handle = bindTcp(options, this.#address)
    } else {
      this.#handle = bindLocal(options)
      this.#path = options.path
    }
  }

  #open() {
    if (this.#handle === null) throw new codes.ERR_SOCKET_HANDLE_ADOPTED()
    return this.#handle
  }

  address() {
    this.#open()
    return this.#path ?? this.#address
  }

  fd() {
    return this.#open().fd
  }

  close() {
    this.#open().close()
    this.#handle = null
  }

  [Symbol.dispose ?? Symbol.for('nodejs.dispose')]() {
    if (this.#handle !== null) this.close()
  }

  get isPipe() {
    return this.#path !== undefined
  }

  get [kBoundSocketPath]() {
    return this.#path
  }

  [kBoundSocketConsume]() {
    const handle = this.#open()
    this.#handle = null
    return handle
  }
}

/** The handle of a bound socket that may leave for another process: one of TCP which nobody has adopted or closed. */
function movableHandle(bound) {
  if (bound.isPipe) throw new codes.ERR_INVALID_HANDLE_TYPE()
  const handle = handleOf(bound)
  if (handle === null) throw new codes.ERR_WORKER_HANDLE_NOT_TRANSFERABLE('net.BoundSocket')
  return handle
}

const boundSocketOf = (handle) => new BoundSocket(new Arrived(handle))

module.exports = { BoundSocket, boundSocketOf, movableHandle }
