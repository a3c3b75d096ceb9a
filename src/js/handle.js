'use strict'

// What `socket._handle` is: a small object that names one connection or listener of the engine by its id and is the async
// resource of its events. Methods answer with 0, a count, or a negative libuv error number; they never throw.

const { AsyncResource } = require('node:async_hooks')
const { Buffer } = require('node:buffer')
const { UV_ENOTCONN } = require('./internal/errno')
const { kOwner } = require('./internal/symbols')
const { SMALL_MAX, attach, hasUntold, lengthOf, native, callBack, writeSmall } = require('./outbox')

// Set in the answer to a write that the kernel did not take whole, see engine/write.rs.
const SHORT = 0x40000000
// Node tries to write a shorter text before it counts its bytes: those of one that fails are not counted.
const COUNTED_FIRST = 16 * 1024

const MANUAL = { requireManualDestroy: true }

function noop() {}

// What Node's Agent wants of a pooled connection: that it is ended by whatever comes, and later that it is read again.
const REPLACED = {
  __proto__: null,
  freeSocketOnReadGuard() {
    this[kOwner].destroy()
  },
  onStreamRead(...args) {
    return Handle.prototype.reader.apply(this, args)
  },
}

function inPlaceOf(listener) {
  const ours = REPLACED[listener?.name]
  return ours !== undefined && String(listener).includes('streamBaseState') ? ours : undefined
}

class Handle extends AsyncResource {
  constructor(type, id, triggerAsyncId) {
    super(type, { requireManualDestroy: true, triggerAsyncId })
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
    this.finalBytesRead = 0
    this.onclosed = noop
    // Who waits for the end of shutdown().
    this.final = undefined
    // The listener for 'data' that is known to be no wrapper's (net/below.js).
    this.plainListener = undefined
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

  get owner() {
    return this[kOwner]
  }

  set owner(owner) {
    this[kOwner] = owner
  }

  getAsyncId() {
    // Node counts in a Float64Array: as a small integer the number takes no place of its own wherever it is kept.
    const id = this.own.asyncId()
    const small = id | 0
    return small === id ? small : id
  }

  // Node's numbers of the types are its own; none of them is this one's.
  getProviderType() {
    return 0
  }

  // A kept connection goes on under another async id, in the context of who has it now: Agent calls this, Node's too.
  asyncReset() {
    const before = this.own
    this.renewed = new AsyncResource(this.constructor.SOCKET, MANUAL)
    this.renewed.handle = this
    if (this.scope === before) this.scope = this.renewed
    before.emitDestroy()
  }

  // The async resource of the connection itself.
  get own() {
    return this.renewed ?? this
  }

  // Who had lent the handle a scope takes it back.
  resetScope() {
    this.scope = this.own
  }

  open(fd, listening) {
    return this.take(native.adopt(fd, listening === true))
  }

  readStart() {
    return this.id === 0 ? UV_ENOTCONN : native.readStart(this.id)
  }

  // Whether something has come that nobody has heard of yet: bytes, the end or an error.
  hasPendingRead() {
    if (this.id === 0 || this.closing) return false
    return hasUntold(this.id) || native.hasPendingRead(this.id) === 1
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
    const length = lengthOf(buffer)
    this.bytesWritten += length
    if (length > SMALL_MAX) return this.taken(native.writeBuffer(this.id, buffer))
    return this.taken(writeSmall(this.id, buffer, length))
  }

  writeLatin1(text) {
    const taken = this.taken(native.writeLatin1(this.id, text))
    if (taken >= 0 || text.length > COUNTED_FIRST) this.bytesWritten += text.length
    return taken
  }

  writeUtf8(text) {
    const taken = this.taken(native.writeUtf8(this.id, text))
    if (taken >= 0 && !this.short) this.bytesWritten += taken
    else if (taken >= 0 || 3 * text.length > COUNTED_FIRST)
      this.bytesWritten += Buffer.byteLength(text)
    return taken
  }

  // A whole HTTP response; `framing` is how the head announces the body, see http/response.js.
  respond(head, framing, body) {
    const taken = this.taken(native.respond(this.id, head, framing, body))
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

  // Has onwritable called in the next iteration of the loop, or when there is room.
  awaitRoom() {
    return native.awaitRoom(this.id)
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

  // One that was closed, or has no socket yet, is not connected, says libuv.
  shutdown() {
    return this.closing || this.id === 0 ? UV_ENOTCONN : native.shutdown(this.id)
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

  // The engine's record that the closing phase has come. Whoever had lent the handle a scope is done with it.
  closed() {
    const { own } = this
    if (this.onclosed !== noop) callBack(own, this.onclosed, this)
    if (this.request instanceof AsyncResource) this.request.emitDestroy()
    own.emitDestroy()
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

  // What Node's handles show; `scope` would be a circle.
  toJSON() {
    return { reading: this.reading, onconnection: null }
  }

  // The engine's record of a connection that this listener accepted, or of an error.
  accept(id) {
    if (id < 0) {
      callBack(this.scope, this.onconnection, this, id, undefined)
      return
    }
    const Kind = this.constructor
    const accepted = new Kind(Kind.SOCKET, id, this.getAsyncId())
    callBack(this.scope, this.onconnection, this, 0, accepted)
  }

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

  // Who is told of bytes is the reader. Node's Agent puts functions of its own here while a connection is in its pool, and
  // these look for Node's own state: what they are for is done in their place.
  get onread() {
    return this.given ?? this.reader
  }

  set onread(listener) {
    const ours = inPlaceOf(listener)
    if (ours !== undefined) this.given = listener
    else if (this.given !== undefined) this.given = undefined
    this.reader = ours ?? listener
  }

  onend() {}
  // These three are called in no scope: what has ended has one of its own.
  onwritable() {}
  onshutdown() {}
  // The end of a connect, for its request. Mocks replace connect() and call that themselves, so both are as Node has them.
  onconnect(status) {
    const { request } = this
    this.request = undefined
    const scope = request instanceof AsyncResource ? request : this
    callBack(scope, request.oncomplete, request, status, this, request, true, true)
    if (scope === request) request.emitDestroy()
  }

  onconnection() {}
  onframe() {}
  onhead() {}
  onwhole() {}
  onbody() {}
  onmessageend() {}
  onupgrade() {}
  onparseerror() {}
  onpartial() {}
}

// What few handles ever change. A server has many of them, and each would pay for a place of its own.
Object.assign(Handle.prototype, {
  // Most bytes of one read; -1 for no limit.
  readLimit: -1,
  // What connect() was called with, until it has ended.
  request: undefined,
  // See asyncReset.
  renewed: undefined,
  // See onread.
  reader: noop,
  given: undefined,
  // Bytes that were read and come with the next record.
  undelivered: 0,
  // The write under way that the kernel has not taken whole, see net/write.js.
  unsent: null,
  // Its bytes that the kernel has not taken, as libuv's write_queue_size.
  writeQueueSize: 0,
  // Node's handle of the same socket, see adoptShared.
  partner: null,
  // libuv tells a used address only at listen or connect.
  bindError: 0,
  // Set while a codec of text frames or of HTTP responses is on, see outbox.js.
  textFrames: false,
  isHttp: false,
  joinsBodies: false,
  hasFlushed: false,
})

module.exports = { Handle }
