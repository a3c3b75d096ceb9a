'use strict'

// The two kinds of handles, TCP and local, and how one comes to a descriptor that is there already.

const process = require('node:process')
const { Buffer } = require('node:buffer')
const { UV_EADDRINUSE, UV_EBADF, UV_EINVAL } = require('./internal/errno')
const { setTimeout } = require('./internal/timers')
const { Handle } = require('./handle')
const { native } = require('./outbox')

const V6_ONLY = 1
const isWindows = process.platform === 'win32'
const HANG_UP_MS = 50
const REUSE_PORT = 2

function fillName(found, out) {
  if (typeof found === 'number') return found
  out.address = found.address
  out.family = found.family
  out.port = found.port
  return 0
}

class TcpHandle extends Handle {
  static SOCKET = 'TCPWRAP'
  static SERVER = 'TCPSERVERWRAP'

  constructor(type = TcpHandle.SOCKET, id = 0, triggerAsyncId = undefined) {
    super(type, id, triggerAsyncId)
  }

  bind(host, port, flags = 0) {
    const v6Only = flags & V6_ONLY ? 1 : 0
    // Larger ports wrap round, in libuv too; whoever asked for one finds out by the own address.
    const answer = native.tcpBind(host, port & 0xffff, v6Only | (flags & REUSE_PORT))
    if (answer === UV_EADDRINUSE) {
      this.bindError = answer
      return 0
    }
    return this.take(answer)
  }

  bind6(host, port, flags) {
    return this.bind(host, port, flags)
  }

  openBound(fd) {
    return this.take(native.adoptBound(fd))
  }

  // A lookup of the user's may say that an address is of the other family.
  connect(request, host, port) {
    return host.includes(':') ? UV_EINVAL : this.connectAny(request, host, port)
  }

  connect6(request, host, port) {
    return host.includes(':') ? this.connectAny(request, host, port) : UV_EINVAL
  }

  connectAny(request, host, port) {
    if (this.bindError !== 0) return this.bindError
    this.request = request
    return this.take(native.tcpConnect(this.id, host, port))
  }

  listen(backlog) {
    if (this.bindError !== 0) return this.bindError
    if (this.id === 0) {
      const error = this.bind('0.0.0.0', 0)
      if (error !== 0) return error
    }
    return super.listen(backlog)
  }

  reset(callback) {
    return this.closeWith(true, callback)
  }

  getsockname(out) {
    if (this.bindError !== 0) return this.bindError
    return fillName(this.id === 0 ? UV_EBADF : native.localAddress(this.id), out)
  }

  getpeername(out) {
    return fillName(this.id === 0 ? UV_EBADF : native.peerAddress(this.id), out)
  }

  setNoDelay(enable) {
    return native.setNoDelay(this.id, enable)
  }

  setKeepAlive(enable, idle, interval, count) {
    // Nothing but the count comes here as the user gave it.
    const probes = typeof count === 'number' ? count >>> 0 : 0
    return native.setKeepAlive(this.id, enable, idle >>> 0, interval >>> 0, probes)
  }

  setTypeOfService(tos) {
    return native.setTypeOfService(this.id, tos)
  }

  getTypeOfService() {
    return native.getTypeOfService(this.id)
  }
}

function hangUp(handle) {
  if (!handle.closing) native.hangUp(handle.id)
}

class LocalHandle extends Handle {
  static SOCKET = 'PIPEWRAP'
  static SERVER = 'PIPESERVERWRAP'

  constructor(type = LocalHandle.SOCKET, id = 0, triggerAsyncId = undefined) {
    super(type, id, triggerAsyncId)
    this.path = undefined
    this.listens = type === LocalHandle.SERVER
  }

  bind(path) {
    this.path = path
    const name = Buffer.from(path)
    return this.take(this.listens ? native.localBind(name) : native.localReserve(name))
  }

  connect(request, path) {
    this.request = request
    return this.take(native.localConnect(this.id, Buffer.from(path)))
  }

  // A named pipe cannot be half closed. As libuv does, the peer is given a moment to answer, and then it is closed.
  shutdown() {
    const error = super.shutdown()
    if (error === 0 && isWindows) setTimeout(hangUp, HANG_UP_MS, this).unref()
    return error
  }

  fchmod(mode) {
    return native.localChmod(this.path, (mode & 1) !== 0, (mode & 2) !== 0)
  }
}

// By the numbers of `descriptorKind`. A local socket and a pipe are the same to users.
const KINDS = ['TCP', 'PIPE', 'PIPE', 'FILE', 'TTY', 'UDP', 'UNKNOWN']

// What a descriptor is, in Node's words.
function kindOf(fd) {
  return KINDS[native.descriptorKind(fd)] ?? 'UNKNOWN'
}

// Adopts an inherited descriptor; gives a handle or a negative error.
function openFd(fd) {
  const kind = kindOf(fd)
  if (kind !== 'TCP' && kind !== 'PIPE') return UV_EINVAL
  const handle = kind === 'TCP' ? new TcpHandle() : new LocalHandle()
  const error = handle.open(fd, false)
  return error < 0 ? error : handle
}

function isHandle(value) {
  return (
    value instanceof Handle ||
    (typeof value?.fd === 'number' &&
      typeof value.close === 'function' &&
      typeof value.readStart === 'function')
  )
}

// A handle of ours over the same socket as one that Node made (a cluster's primary hands those to
// its workers), so that the bytes go through the engine. Handles without a descriptor, such as a
// cluster's stand-in for the primary's listener, stay as they are.
function duplicate(handle, listening) {
  if (handle instanceof Handle || !(handle.fd >= 0)) return handle
  const fd = native.duplicateDescriptor(handle.fd)
  if (fd < 0) return handle
  const Kind = native.descriptorKind(fd) === 0 ? TcpHandle : LocalHandle
  const ours = new Kind(listening ? Kind.SERVER : Kind.SOCKET)
  if (ours.open(fd, listening) >= 0) return ours
  native.closeDescriptor(fd)
  return handle
}

// Takes the socket over for good.
function adopt(handle, listening) {
  const ours = duplicate(handle, listening)
  if (ours !== handle) handle.close()
  return ours
}

// Shares a listening socket: who gave it learns of the end by the close of their handle.
function adoptShared(handle) {
  const ours = duplicate(handle, true)
  if (ours !== handle) ours.partner = handle
  return ours
}

// A connected pair of local sockets: a handle here, a descriptor for another process.
function localPair() {
  const pair = native.localPair()
  if (typeof pair === 'number') return pair
  return { handle: new LocalHandle(LocalHandle.SOCKET, pair.id), childFd: pair.fd }
}

module.exports = {
  Handle,
  TcpHandle,
  LocalHandle,
  kindOf,
  openFd,
  adopt,
  adoptShared,
  isHandle,
  localPair,
  closeFd: native.closeDescriptor,
  duplicateFd: native.duplicateDescriptor,
  isListening: native.descriptorListens,
  claimFd: (handle) => native.claimDescriptor(handle.id),
  httpMethods: native.httpMethods(),
  httpErrors: native.httpErrors(),
}
