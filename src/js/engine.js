'use strict'

// Handles: what `socket._handle` is. A small object that names one connection or listener of the
// engine by its id and is the async resource of its events. Methods answer with 0, a count, or a
// negative libuv error number; they never throw.

const { Buffer } = require('node:buffer')
const { AsyncResource } = require('node:async_hooks')
const { native, attach } = require('./outbox')

const UV_EADDRINUSE = -98
const UV_EBADF = require('node:os').constants.errno.EBADF * -1
const UV_EINVAL = require('node:os').constants.errno.EINVAL * -1
const V6_ONLY = 1
const REUSE_PORT = 2
// Set in the answer to a write that the kernel did not take whole, see engine/ops.rs.
const SHORT = 0x40000000
// `typed_array_max_size_in_heap` of V8.
const ON_HEAP_MAX = 64
const small = new Uint8Array(Buffer.allocUnsafeSlow(4096).buffer, 0, ON_HEAP_MAX)

function noop() {}

class Handle extends AsyncResource {
  constructor(type, id) {
    super(type, { requireManualDestroy: true })
    // The engine's id; 0 until there is a socket.
    this.id = 0
    // The async resource that events run in. HTTP puts the request's here while it has the
    // connection; everybody else leaves the handle itself.
    this.scope = this
    this.closing = false
    this.reading = false
    this.referenced = true
    this.bytesWritten = 0
    this.short = false
    // Bytes of the write under way that the kernel has not taken, as libuv's write_queue_size.
    this.writeQueueSize = 0
    this.finalBytesRead = 0
    // Bytes that were read and come with the next record.
    this.undelivered = 0
    this.onclosed = noop
    // The write under way that the kernel has not taken whole, see net/write.js.
    this.unsent = null
    // Most bytes of one read; -1 for no limit.
    this.readLimit = -1
    // Who waits for the end of shutdown().
    this.final = undefined
    // Node's handle of the same socket, see adoptShared.
    this.partner = null
    // Set while a codec of text frames or of HTTP responses is on, see outbox.js.
    this.textFrames = false
    this.isHttp = false
    this.joinsBodies = false
    this.hasFlushed = false
    if (id !== 0) this.assign(id)
  }

  assign(id) {
    this.id = id
    attach(this)
    if (!this.referenced) native.setReferenced(id, false)
    if (this.readLimit !== -1) native.limitReads(id, this.readLimit)
  }

  // Takes an id or an error from the engine.
  take(answer) {
    if (answer < 0) return answer
    if (answer !== this.id) this.assign(answer)
    return 0
  }

  get fd() {
    return this.id === 0 || this.closing ? -1 : native.descriptor(this.id)
  }

  get bytesRead() {
    return this.id === 0 || this.closing
      ? this.finalBytesRead
      : native.bytesRead(this.id) - this.undelivered
  }

  getAsyncId() {
    return this.asyncId()
  }

  open(fd, listening) {
    return this.take(native.adopt(fd, listening === true))
  }

  readStart() {
    return native.readStart(this.id)
  }

  limitReads(length) {
    this.readLimit = length
    if (this.id !== 0) native.limitReads(this.id, length)
  }

  readStop() {
    return native.readStop(this.id)
  }

  // Writes give the bytes that the kernel took at once. `short` then says whether that was less
  // than all; if so onwritable is called, once, when there is room.
  writeBuffer(buffer) {
    const { length } = buffer
    this.bytesWritten += length
    if (length > ON_HEAP_MAX) return this.taken(native.writeBuffer(this.id, buffer))
    // V8 keeps the bytes of so small an array on its own heap; asking for their address would move
    // them out, at more than the cost of this copy.
    small.set(buffer)
    return this.taken(native.writePart(this.id, small, length))
  }

  writeLatin1(text) {
    this.bytesWritten += text.length
    return this.taken(native.writeLatin1(this.id, text))
  }

  writeUtf8(text) {
    const taken = this.taken(native.writeUtf8(this.id, text))
    this.bytesWritten += this.short || taken < 0 ? Buffer.byteLength(text) : taken
    return taken
  }

  // A whole HTTP response; a `length` of 0 or more completes the head, see binding/calls.rs.
  respond(head, length, body) {
    const taken = this.taken(native.respond(this.id, head, length, body))
    if (taken > 0) this.bytesWritten += taken
    return taken
  }

  writev(buffers) {
    for (let i = 0; i < buffers.length; i++) this.bytesWritten += buffers[i].length
    return this.taken(native.writev(this.id, buffers, buffers.length))
  }

  // The rest of a write that came short; it is counted already.
  writeRest(buffers) {
    return this.taken(
      buffers.length === 1
        ? native.writeBuffer(this.id, buffers[0])
        : native.writev(this.id, buffers, buffers.length),
    )
  }

  // The first `length` bytes.
  writePart(buffer, length) {
    this.bytesWritten += length
    return this.taken(native.writePart(this.id, buffer, length))
  }

  // For a fork channel: a duplicate of the descriptor goes with the first byte.
  writeWithDescriptor(buffer, fd) {
    return this.taken(native.writeWithDescriptor(this.id, buffer, fd))
  }

  // Before the socket leaves for another process: its bytes are no longer this one's.
  release() {
    this.reading = false
    this.onend = noop
    return native.release(this.id)
  }

  taken(answer) {
    this.short = answer >= 0 && (answer & SHORT) !== 0
    return this.short ? answer & ~SHORT : answer
  }

  shutdown() {
    return native.shutdown(this.id)
  }

  listen(backlog) {
    return native.listen(this.id, backlog)
  }

  close(callback) {
    return this.closeWith(false, callback)
  }

  closeWith(reset, callback) {
    if (this.closing) return 0
    // Even a handle without a socket is closed in libuv's closing phase.
    if (this.id === 0) this.take(native.placeholder())
    this.finalBytesRead = this.bytesRead
    this.closing = true
    if (typeof callback === 'function') this.onclosed = callback
    this.partner?.close()
    return native.close(this.id, reset)
  }

  // The engine's record that the closing phase has come.
  closed() {
    try {
      this.scope.runInAsyncScope(this.onclosed, this)
    } finally {
      this.emitDestroy()
    }
  }

  ref() {
    this.setReferenced(true)
  }

  unref() {
    this.setReferenced(false)
  }

  setReferenced(referenced) {
    this.referenced = referenced
    if (this.id !== 0 && !this.closing) native.setReferenced(this.id, referenced)
  }

  hasRef() {
    return this.referenced && !this.closing
  }

  // The engine's record of a connection that this listener accepted, or of an error.
  accept(id, isTcp) {
    if (id < 0) {
      this.scope.runInAsyncScope(this.onconnection, this, id, undefined)
      return
    }
    const client = isTcp
      ? new TcpHandle(TcpHandle.SOCKET, id)
      : new LocalHandle(LocalHandle.SOCKET, id)
    this.scope.runInAsyncScope(this.onconnection, this, 0, client)
  }

  // --- codecs -------------------------------------------------------------------------------

  startIpc(advanced, maxFrame) {
    this.textFrames = !advanced
    return native.startIpc(this.id, advanced, maxFrame)
  }

  limitIpc(maxFrame) {
    return native.limitIpc(this.id, maxFrame)
  }

  // Blocks for at most `ms`; gives 1 when there is room, 0 when there is none, or an error.
  waitWritable(ms) {
    return native.waitWritable(this.id, Math.ceil(ms))
  }

  startHttp(role, maxHeaderSize, maxFields, lenientFlags) {
    this.isHttp = true
    this.joinsBodies = role === 1
    return native.startHttp(this.id, role, maxHeaderSize, maxFields, lenientFlags)
  }

  httpExpect(flags) {
    return native.httpExpect(this.id, flags)
  }

  // --- set by the owner ---------------------------------------------------------------------

  onread() {}
  onend() {}
  onwritable() {}
  onshutdown() {}
  onconnect() {}
  onconnection() {}
  onframe() {}
  onhead() {}
  onbody() {}
  onmessageend() {}
  onupgrade() {}
  onparseerror() {}
  onpartial() {}
}

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

  constructor(type = TcpHandle.SOCKET, id = 0) {
    super(type, id)
    // libuv tells a used address only at listen or connect.
    this.bindError = 0
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

  connect(host, port) {
    if (this.bindError !== 0) return this.bindError
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
    return native.setKeepAlive(this.id, enable, idle >>> 0, interval >>> 0, count >>> 0)
  }

  setTypeOfService(tos) {
    return native.setTypeOfService(this.id, tos)
  }

  getTypeOfService() {
    return native.getTypeOfService(this.id)
  }
}

class LocalHandle extends Handle {
  static SOCKET = 'PIPEWRAP'
  static SERVER = 'PIPESERVERWRAP'

  constructor(type = LocalHandle.SOCKET, id = 0) {
    super(type, id)
    this.path = undefined
    this.listens = type === LocalHandle.SERVER
  }

  bind(path) {
    this.path = path
    const name = Buffer.from(path)
    return this.take(this.listens ? native.localBind(name) : native.localReserve(name))
  }

  connect(path) {
    return this.take(native.localConnect(this.id, Buffer.from(path)))
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
  return ours.open(fd, listening) < 0 ? handle : ours
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
