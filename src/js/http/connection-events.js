'use strict'

// The listeners of an HTTP server's connection on its socket. They are the same functions for every connection and find
// theirs at the socket; a connection costs no closures but one.

const { Buffer } = require('node:buffer')
const { STATUS_CODES } = require('node:http')
const net = require('../net')
const { codes } = require('../internal/errors')
const { connResetError, kHttp, symbols } = require('./common')
const { followFlow, unfollowFlow } = require('./incoming')
const { onSocketClose } = require('./response')

const { kNeedDrain } = symbols

// What a bad request is answered when nobody listens to 'clientError'.
const answers = new Map()
for (const [code, status] of [
  ['HPE_HEADER_OVERFLOW', 431],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
  ['ERR_HTTP_REQUEST_TIMEOUT', 408],
  ['other', 400],
]) {
  const text = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`
  answers.set(code, Buffer.from(text, 'latin1'))
}

function listen(connection) {
  const { socket } = connection
  // Bound, unlike the others: user code is known to call 'close' listeners with another `this`.
  connection.onClose = () => closed(connection)
  socket.on('timeout', onTimeout)
  socket.on('data', onData)
  socket.on('error', onError)
  socket.on('end', onEnd)
  socket.on('close', connection.onClose)
  socket.on('drain', onDrain)
  followFlow(socket)
  socket.on = on
  socket.addListener = addListener
  socket.prependListener = prependListener
  socket.setEncoding = setEncoding
}

// Takes all of it off again, for a socket that somebody else owns from now on.
function unlisten(connection) {
  const { socket } = connection
  socket.removeListener('data', onData)
  socket.removeListener('end', onEnd)
  socket.removeListener('close', connection.onClose)
  // A response under way is still told.
  if (!socket._httpMessage) socket.removeListener('close', onSocketClose)
  socket.removeListener('drain', onDrain)
  socket.removeListener('error', onError)
  socket.removeListener('timeout', onTimeout)
  unfollowFlow(socket)
  socket.on = net.Socket.prototype.on
  socket.addListener = net.Socket.prototype.addListener
  socket.prependListener = net.Socket.prototype.prependListener
}

function onTimeout() {
  const req = this.parser?.incoming
  const byRequest = req && !req.complete && req.emit('timeout', this)
  const res = this._httpMessage
  const byResponse = res && res.emit('timeout', this)
  const byServer = this[kHttp].server.emit('timeout', this)
  if (!byRequest && !byResponse && !byServer) this.destroy()
}

function onData(chunk) {
  this[kHttp].feed(chunk)
}

function onEnd() {
  const connection = this[kHttp]
  const { responses, server } = connection
  const error = connection.finish()
  if (error !== null) onError.call(this, error)
  else if (!server.httpAllowHalfOpen) this.end()
  else if (responses.length > 0) responses[responses.length - 1]._last = true
  else if (this._httpMessage) this._httpMessage._last = true
  else this.end()
}

function closed(connection) {
  const { requests, responses } = connection
  connection.release()
  while (requests.length > 0) requests.shift().destroy(connResetError('aborted'))
  while (responses.length > 0) responses.shift().destroy(connResetError('aborted'))
}

function noop() {}

function onError(error) {
  // One error is told; what follows from it is not.
  this.removeListener('error', onError)
  if (this.listenerCount('error', noop) === 0) this.on('error', noop)
  if (this[kHttp].server.emit('clientError', error, this)) return
  // Bytes of an answer under way must not be followed by those of another.
  if (this.writable && !this._httpMessage?._headerSent) {
    this.write(answers.get(error.code) ?? answers.get('other'))
  }
  this.destroy(error)
}

function onDrain() {
  resumeReading(this[kHttp])
}

// Waiting responses have taken or given bytes.
function updateOutgoingData(connection, delta) {
  connection.outgoingData += delta
  resumeReading(connection)
}

function resumeReading(connection) {
  const { socket } = connection
  if (socket._paused && connection.outgoingData <= socket.writableHighWaterMark) {
    socket._paused = false
    socket.parser?.resume()
    socket.resume()
  }
  const message = socket._httpMessage
  if (message && !message.finished && message.writableNeedDrain && message.writableLength === 0) {
    if (kNeedDrain !== undefined) message[kNeedDrain] = false
    message.emit('drain')
  }
}

function setEncoding() {
  throw new codes.ERR_HTTP_SOCKET_ENCODING()
}

// Who listens for bytes must get them, so the engine may not parse them any more.
function added(socket, event, result) {
  if (event === 'data' || event === 'readable') socket[kHttp].unconsume()
  return result
}

function on(event, listener) {
  return added(this, event, net.Socket.prototype.on.call(this, event, listener))
}

function addListener(event, listener) {
  return added(this, event, net.Socket.prototype.addListener.call(this, event, listener))
}

function prependListener(event, listener) {
  return added(this, event, net.Socket.prototype.prependListener.call(this, event, listener))
}

function fail(socket, error) {
  onError.call(socket, error)
}

module.exports = { fail, listen, unlisten, updateOutgoingData }
