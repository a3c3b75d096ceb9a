'use strict'

// ClientRequest: Node's own class takes the arguments, composes the head and queues what is written; the
// connection and the response are ours. Node's constructor calls the agent, which calls onSocket() below.

const process = require('node:process')
const { finished } = require('node:stream')
const { ClientRequest: NodeClientRequest, globalAgent: nodeGlobalAgent } = require('node:http')
const agents = require('./agent')
const { construct } = require('./client-construct')
const { connResetError } = require('./common')
const { emitError, kError, letGo, listen, listenForErrors } = require('./client-exchange')
const { flushWhole } = require('./client-write')
const { implicitHeader } = require('./request-head')
const { readerOf } = require('./response-reader')
const { normalize } = require('./url-options')

function ClientRequest(input, options, callback) {
  ;({ callback, options } = normalize(input, options, callback))
  if (construct(this, options, callback, agents.globalAgent)) return
  // Else Node takes its own default agent, and with it its own sockets.
  if (options._defaultAgent === undefined || options._defaultAgent === nodeGlobalAgent) {
    options._defaultAgent = agents.globalAgent
  }
  Reflect.apply(NodeClientRequest, this, [options, callback])
}
Object.setPrototypeOf(ClientRequest.prototype, NodeClientRequest.prototype)
Object.setPrototypeOf(ClientRequest, NodeClientRequest)

// The requests of https are Node's own, and instances of http.ClientRequest as well.
Object.defineProperty(ClientRequest, Symbol.hasInstance, {
  value(request) {
    const { [Symbol.hasInstance]: isInstance } = Function.prototype
    return isInstance.call(this === ClientRequest ? NodeClientRequest : this, request)
  },
})

ClientRequest.prototype.destroy = function destroy(err) {
  if (!this.destroyed) this[kError] = err
  return NodeClientRequest.prototype.destroy.call(this, err)
}

ClientRequest.prototype.onSocket = function onSocket(socket, err) {
  if (socket && !err) {
    // At once: a connection may fail before the tick below.
    socket._httpMessage = this
    listenForErrors(socket)
  }
  process.nextTick(onSocketNT, this, socket, err)
}

ClientRequest.prototype._implicitHeader = function _implicitHeader() {
  implicitHeader(this)
}

function onSocketNT(req, socket, err) {
  if (!req.destroyed && !err) {
    takeSocket(req, socket)
    if (!flushWhole(req, socket)) req._flush()
    return
  }

  req.destroyed = true
  if (!socket) {
    abandon(req, socket, err || req[kError])
  } else if (!err && req.agent && !socket.destroyed) {
    // Given up before it had a socket: somebody else can have this one.
    letGo(socket)
    socket.emit('free')
    abandon(req, socket, req[kError])
  } else {
    finished(socket.destroy(err || req[kError]), (failure) => {
      const premature = failure?.code === 'ERR_STREAM_PREMATURE_CLOSE'
      abandon(req, socket, (premature ? null : failure) || err)
    })
  }
}

function abandon(req, socket, err) {
  if (!req.aborted && !err) err = connResetError('socket hang up')
  // The agent tells a failed proxy tunnel itself; the socket's 'error' may have been told already.
  if (err && err.code !== 'ERR_PROXY_TUNNEL' && !socket?._hadError) emitError(req, err)
  req._closed = true
  req.emit('close')
}

function takeSocket(req, socket) {
  req.socket = socket
  socket._httpMessage = req
  const reader = readerOf(socket)
  req.parser = reader
  socket.parser = reader
  reader.begin(req)
  listen(socket, req)
  if (req.timeout !== undefined || req.agent?.options?.timeout) watchTimeout(req, socket)
  req.emit('socket', socket)
}

// setTimeout() is Node's; it recognises by timeoutCb that the socket is being listened to.
function watchTimeout(req, socket) {
  if (req.timeoutCb) return
  req.timeoutCb = emitRequestTimeout
  socket.once('timeout', emitRequestTimeout)
}

function emitRequestTimeout() {
  this._httpMessage?.emit('timeout')
}

// Own properties, as on Node's class: that is where user code looks for what it wraps.
for (const key of Reflect.ownKeys(NodeClientRequest.prototype)) {
  if (Object.hasOwn(ClientRequest.prototype, key)) continue
  const descriptor = Object.getOwnPropertyDescriptor(NodeClientRequest.prototype, key)
  Object.defineProperty(ClientRequest.prototype, key, descriptor)
}

function request(url, options, callback) {
  return new ClientRequest(url, options, callback)
}

function get(url, options, callback) {
  const req = request(url, options, callback)
  req.end()
  return req
}

module.exports = { ClientRequest, get, request }
