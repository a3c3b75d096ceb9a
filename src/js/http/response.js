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
const { setTimeout } = require('node:timers')
const { Socket } = require('../net/socket')
const { kHttp, symbols } = require('./common')

const { kOutHeaders } = symbols

const enabled = kOutHeaders !== undefined && process.env.FERROWIRE_FASTPATH !== '0'

// A larger Buffer is not worth a copy behind the head.
const COPIED_MAX = 16 * 1024

// The methods that the classic path goes through. Whoever replaces one, on a response, a socket or a prototype, wants it called.
const { _finish, _implicitHeader, _storeHeader, assignSocket, detachSocket, writeHead } =
  ServerResponse.prototype
const { _send, _writeRaw, end } = OutgoingMessage.prototype
const { cork, uncork, write } = Duplex.prototype
const { _write, _writeGeneric } = Socket.prototype

/** What to make a server's responses of, when its class is `Class`. */
function fastClass(Class) {
  return enabled && Class === ServerResponse && Class.prototype.end === end ? Response : Class
}

// Not exported, and `constructor` stays Node's: nobody needs to know.
function Response(req, options) {
  ServerResponse.call(this, req, options)
}
Object.setPrototypeOf(Response, ServerResponse)
Response.prototype = Object.create(ServerResponse.prototype)

// Node puts a 'close' listener on the socket for each response and takes it off again. This one stays; it is moved behind
// listeners that have come since, so that they are told in Node's order.
Response.prototype.assignSocket = function (socket) {
  if (socket._httpMessage || socket[kHttp] === undefined) return assignSocket.call(this, socket)
  socket._httpMessage = this
  const listeners = socket._events.close
  const last = Array.isArray(listeners) ? listeners[listeners.length - 1] : listeners
  if (last !== onSocketClose) {
    socket.removeListener('close', onSocketClose)
    socket.on('close', onSocketClose)
  }
  this.socket = socket
  if (this._eventsCount > 0) this.emit('socket', socket)
  if (this.finished || this.outputData.length > 0 || this.writableNeedDrain) this._flush()
}

Response.prototype.detachSocket = function (socket) {
  if (socket._httpMessage !== this) return detachSocket.call(this, socket)
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

Response.prototype.end = function (chunk, encoding, callback) {
  const handle = isBody(chunk, encoding) && isPlain(this) ? plainHandle(this) : null
  const head = handle === null ? null : (this._header ?? composeHead(this))
  if (head === null) return end.call(this, chunk, encoding, callback)

  const body = chunk ?? ''
  const { socket } = this
  // A head of ours that lacks its last value, the body's length.
  const open = this._header === null && this._contentLength === null
  const length = open ? byteLength(body) : -1
  const sent = handle.respond(head, length, body)
  // The classic path meets the error again and knows whom to tell.
  if (sent < 0) return end.call(this, chunk, encoding, callback)

  socket._unrefTimer()
  if (open) this._contentLength = length
  this._header = open ? `${head}${length}\r\n\r\n` : head
  this._headerSent = true
  this.statusMessage ||= STATUS_CODES[this.statusCode]
  if (handle.short) writeRest(socket, this._header, body, sent)
  // Nothing is left to send: this settles the state and tells of it.
  return typeof callback === 'function' ? end.call(this, callback) : end.call(this)
}

function byteLength(body) {
  return typeof body === 'string' ? Buffer.byteLength(body) : body.length
}

// What the kernel did not take waits in the stream, as any other write.
function writeRest(socket, head, body, sent) {
  const bytes =
    typeof body === 'string'
      ? Buffer.from(head + body)
      : Buffer.concat([Buffer.from(head, 'latin1'), body])
  socket.write(bytes.subarray(sent))
}

// --- what is plain ----------------------------------------------------------------------------

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
    !res.chunkedEncoding &&
    !res.strictContentLength &&
    res.outputSize === 0 &&
    res.writableCorked === 0 &&
    res._send === _send &&
    res._writeRaw === _writeRaw &&
    res._finish === _finish &&
    (res._header !== null || hasPlainHead(res))
  )
}

// Whether writeHead() and Node's header rules would find nothing but the usual.
function hasPlainHead(res) {
  const { statusCode } = res
  return (
    typeof statusCode === 'number' &&
    statusCode >= 200 &&
    statusCode !== 204 &&
    statusCode !== 304 &&
    res.statusMessage === undefined &&
    res._contentLength === null &&
    res.sendDate &&
    res.shouldKeepAlive &&
    res.useChunkedEncodingByDefault &&
    res._defaultKeepAlive &&
    !res.maxRequestsOnConnectionReached &&
    !res._maxRequestsPerSocket &&
    !res._removedConnection &&
    !res._removedContLen &&
    !res._removedTE &&
    (!res._expect_continue || res._sent100) &&
    res.writeHead === writeHead &&
    res._implicitHeader === _implicitHeader &&
    res._storeHeader === _storeHeader
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

// --- the head ---------------------------------------------------------------------------------

// Fields on which the rest of a head depends.
const SPECIAL = new Set([
  'connection',
  'content-disposition',
  'date',
  'expect',
  'keep-alive',
  'trailer',
  'transfer-encoding',
])

// Static parts: the fields behind the user's own, and by status what comes before them.
let tail = ''
let tailTimeout
const starts = []
const wholes = []

function dropTail() {
  tail = ''
}

function tailFor(keepAliveTimeout) {
  if (tail !== '' && keepAliveTimeout === tailTimeout) return tail
  const now = new Date()
  // The fields are good for this second.
  if (tail === '') setTimeout(dropTail, 1000 - now.getMilliseconds()).unref()
  tail = `Date: ${now.toUTCString()}\r\nConnection: keep-alive\r\n`
  if (keepAliveTimeout) tail += `Keep-Alive: timeout=${Math.floor(keepAliveTimeout / 1000)}\r\n`
  tailTimeout = keepAliveTimeout
  wholes.length = 0
  return tail
}

function startFor(statusCode) {
  const reason = STATUS_CODES[statusCode]
  if (reason === undefined) return undefined
  const known = starts[statusCode]
  if (known?.reason === reason) return known.line
  const line = `HTTP/1.1 ${statusCode} ${reason}\r\n`
  starts[statusCode] = { reason, line }
  return line
}

/** The head as far as 'Content-Length: ', or all of it when the user gave a length (noted in `_contentLength`); null: not plain. */
function composeHead(res) {
  const { statusCode } = res
  const start = startFor(statusCode)
  if (start === undefined) return null
  const ending = tailFor(res._keepAliveTimeout)
  const fields = res[kOutHeaders]
  if (fields === null) {
    const whole = wholes[statusCode]
    if (whole?.start === start) return whole.text
    const text = `${start}${ending}Content-Length: `
    wholes[statusCode] = { start, text }
    return text
  }
  let text = start
  for (const key in fields) {
    const [name, value] = fields[key]
    if (SPECIAL.has(key) || Array.isArray(value)) return null
    if (key === 'content-length') res._contentLength = +value
    text += `${name}: ${value}\r\n`
  }
  return text + ending + (res._contentLength === null ? 'Content-Length: ' : '\r\n')
}

module.exports = { emitClose, fastClass, onSocketClose }
