'use strict'

// The fast path of a response: `res.end(body)` on a plain response composes and sends all of it in one native call.
//
// Node's way there is made for every case: end, writeHead, header fields, cork, two streams' queues, a callback. Here the
// cases are told apart first, and everything but the plain one goes Node's way (the classic path). What is sent and what
// is told is the same either way; FERROWIRE_FASTPATH=0 turns this one off.

const process = require('node:process')
const { Buffer } = require('node:buffer')
const { OutgoingMessage, STATUS_CODES, ServerResponse } = require('node:http')
const { Duplex } = require('node:stream')
const { Socket } = require('../net/socket')
const { kHttp, symbols } = require('./common')
const { remember, setKnown } = require('./fields')
const { flushInTurn, kCallsBack } = require('./pipelined')
const { composeHead, hasPlainHead } = require('./response-head')

const { kOutHeaders } = symbols

const enabled = kOutHeaders !== undefined && process.env.FERROWIRE_FASTPATH !== '0'

const CHUNKED = 'Transfer-Encoding: chunked\r\n\r\n'

// How respond() of a handle goes on behind a head, see binding/respond.rs; 0 or more: that length completes it.
const WHOLE = -1
const WHOLE_CHUNKED = -2
const OPEN = -3
const OPEN_CHUNKED = -4

// Without a body the head leaves as latin1, as with a body of bytes; with a text it is UTF-8, like Node's.
const NOTHING = Buffer.alloc(0)

// A larger Buffer is not worth a copy behind the head.
const COPIED_MAX = 16 * 1024

// The methods that the classic path goes through. Whoever replaces one, on a response, a socket or a prototype, wants it
// called.
const { prototype } = ServerResponse
const { _finish, _implicitHeader, _storeHeader, assignSocket, detachSocket, emit, writeHead } =
  prototype
const { _send, _writeRaw, end, setHeader } = OutgoingMessage.prototype
const { cork, uncork, write } = Duplex.prototype
const { _write, _writeGeneric } = Socket.prototype

/** What to make a server's responses of, when its class is `Class`. */
function fastClass(Class) {
  return enabled && Class === ServerResponse && isUntouched() ? Response : Class
}

// Whether nobody has patched what Response overrides.
function isUntouched() {
  return (
    prototype.end === end &&
    prototype.setHeader === setHeader &&
    prototype.writeHead === writeHead &&
    prototype.assignSocket === assignSocket &&
    prototype.detachSocket === detachSocket
  )
}

// Not exported, and `constructor` stays Node's: nobody needs to know. A method that somebody has replaced on Node's
// prototypes since a response was made is called in place of ours.
function Response(req, options) {
  ServerResponse.call(this, req, options)
}
Object.setPrototypeOf(Response, ServerResponse)
Response.prototype = Object.create(prototype)

// Node puts a 'close' listener on the socket for each response and takes it off again. This one stays; it is moved behind
// listeners that have come since, so that they are told in Node's order.
Response.prototype.assignSocket = function (socket) {
  if (socket._httpMessage || socket[kHttp] === undefined || !isUntouched()) {
    return prototype.assignSocket.call(this, socket)
  }
  socket._httpMessage = this
  const listeners = socket._events.close
  const last = Array.isArray(listeners) ? listeners[listeners.length - 1] : listeners
  if (last !== onSocketClose) {
    socket.removeListener('close', onSocketClose)
    socket.on('close', onSocketClose)
  }
  this.socket = socket
  if (this._eventsCount > 0 || this.emit !== emit) this.emit('socket', socket)
  if (this.finished || this.outputData.length > 0 || this.writableNeedDrain) {
    if (!flushInTurn(socket[kHttp], this)) this._flush()
  }
}

Response.prototype.detachSocket = function (socket) {
  if (socket._httpMessage !== this || !isUntouched()) {
    return prototype.detachSocket.call(this, socket)
  }
  socket._httpMessage = null
  this.socket = null
}

function onSocketClose() {
  if (this._httpMessage) emitClose(this._httpMessage)
}

/** Tells a response, once, that it is over. */
function emitClose(res) {
  if (res._closed) return
  res.destroyed = true
  res._closed = true
  res.emit('close')
}

Response.prototype.setHeader = function (name, value) {
  if (!isUntouched()) return prototype.setHeader.apply(this, arguments)
  if (this._header || !setKnown(this, name, value)) {
    setHeader.call(this, name, value)
    remember(name)
  }
  return this
}

// The last head that writeHead() has made, and the text that it became, with the word of chunks or without.
let written = null
let writtenText = ''
let writtenChunked = false

function fastWriteHead(statusCode, reason, fields) {
  if (!isUntouched()) return prototype.writeHead.apply(this, arguments)
  const isUsual =
    fields === undefined &&
    (reason === undefined || (typeof reason === 'object' && !Array.isArray(reason))) &&
    this._storeHeader === _storeHeader &&
    hasPlainHead(this, statusCode)
  // Known when end() has all of the body; a length among the fields comes before it.
  const { _contentLength: length } = this
  this._contentLength = null
  const head = isUsual ? composeHead(this, statusCode, reason ?? undefined) : null
  if (head === null) {
    this._contentLength = length
    writeHead.call(this, statusCode, reason, fields)
    if (isUsual && reason) Object.keys(reason).forEach(remember)
    return this
  }
  this.statusCode = statusCode
  this.statusMessage = STATUS_CODES[statusCode]
  if (this._contentLength === null && length !== null) {
    this._contentLength = length
    this._header = head.whole(length)
    return this
  }
  this.chunkedEncoding = this._contentLength === null
  this._header = head.text + (this.chunkedEncoding ? CHUNKED : '\r\n')
  written = head
  writtenText = this._header
  writtenChunked = this.chunkedEncoding
  return this
}
Response.prototype.writeHead = fastWriteHead

Response.prototype.end = function (chunk, encoding, callback) {
  if (!isUntouched()) return prototype.end.apply(this, arguments)
  const handle = isBody(chunk, encoding) && isPlain(this) ? plainHandle(this) : null
  if (handle === null || !respond(this, handle, chunk || NOTHING)) {
    if (isFunction(callback) || isFunction(encoding) || isFunction(chunk)) this[kCallsBack] = true
    return end.call(this, chunk, encoding, callback)
  }
  // Nothing is left to send, a last chunk neither: Node's end() settles the state and tells of it.
  this._hasBody = false
  if (typeof callback === 'function') {
    this[kCallsBack] = true
    end.call(this, callback)
  } else {
    end.call(this)
  }
  this._hasBody = true
  return this
}

// Sends all of a plain response; false: nothing was done.
function respond(res, handle, body) {
  const { socket } = res
  const isChunked = res.chunkedEncoding
  let head = res._header
  let framing
  let sent
  if (head === null) {
    const { statusCode } = res
    const made = composeHead(res, statusCode)
    if (made === null) return false
    // As writeHead() leaves them: both its own properties.
    res.statusCode = statusCode
    res.statusMessage = STATUS_CODES[statusCode]
    framing = res._contentLength === null ? byteLength(body) : OPEN
    head = framing === OPEN ? `${made.text}\r\n` : made.whole(framing)
    sent = handle.respond(made.sendable, framing, body)
  } else if (head === writtenText && isChunked === writtenChunked) {
    framing = isChunked ? OPEN_CHUNKED : OPEN
    sent = handle.respond(written.sendable, framing, body)
  } else {
    framing = isChunked ? WHOLE_CHUNKED : WHOLE
    sent = handle.respond(head, framing, body)
  }
  // The classic path meets the error again and knows whom to tell.
  if (sent < 0) return false

  socket._unrefTimer()
  if (framing >= 0) res._contentLength = framing
  res._header = head
  res._headerSent = true
  if (handle.short) writeRest(socket, head, isChunked, body, sent)
  return true
}

const isFunction = (value) => typeof value === 'function'

function byteLength(body) {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.length
}

// What the kernel did not take waits in the stream, as any other write.
function writeRest(socket, head, isChunked, body, sent) {
  const isText = typeof body === 'string'
  const parts = [Buffer.from(head, isText && !isChunked ? 'utf8' : 'latin1')]
  const bytes = isText ? Buffer.from(body) : body
  if (!isChunked) parts.push(bytes)
  else if (bytes.length === 0) parts.push(Buffer.from('0\r\n\r\n'))
  else {
    parts.push(Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n0\r\n\r\n'))
  }
  socket.write(Buffer.concat(parts).subarray(sent))
}

function isBody(chunk, encoding) {
  if (typeof chunk === 'string') return encoding === undefined || encoding === 'utf8'
  if (encoding !== undefined) return false
  if (chunk === undefined) return true
  return chunk instanceof Uint8Array && chunk.length > 0 && chunk.length <= COPIED_MAX
}

// Whether nothing that the head or the body depends on is other than usual. `statusMessage` counts when it was set.
function isPlain(res) {
  return (
    !res._headerSent &&
    !res.finished &&
    !res.destroyed &&
    res._hasBody &&
    !res.strictContentLength &&
    res._trailer === '' &&
    res.outputSize === 0 &&
    res.writableCorked === 0 &&
    res._send === _send &&
    res._writeRaw === _writeRaw &&
    res._finish === _finish &&
    (res._header !== null ||
      (hasPlainHead(res, res.statusCode) &&
        res._contentLength === null &&
        res.writeHead === fastWriteHead &&
        res._implicitHeader === _implicitHeader &&
        res._storeHeader === _storeHeader))
  )
}

// The handle to send by, or null when the bytes must not go there at once.
function plainHandle(res) {
  const { socket } = res
  const handle = socket?.[kHttp]?.handle
  const isFree =
    handle &&
    socket._handle === handle &&
    socket._httpMessage === res &&
    socket.writable &&
    socket.writableLength === 0 &&
    socket.writableCorked === 0 &&
    socket._writableState.defaultEncoding === 'utf8' &&
    socket.write === write &&
    socket.cork === cork &&
    socket.uncork === uncork &&
    socket._write === _write &&
    socket._writeGeneric === _writeGeneric
  return isFree ? handle : null
}

module.exports = { emitClose, fastClass, onSocketClose }
