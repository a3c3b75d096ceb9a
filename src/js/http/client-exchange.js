'use strict'

// One request and its response on one connection: what becomes of the three when the reader, the socket or the
// response has news. The order of events is that of Node's client, which Node's tests pin down.

const process = require('node:process')
const diagnostics = require('node:diagnostics_channel')
const brief = require('./brief-listeners')
const { connResetError, symbols } = require('./common')
const { finishEntry } = require('./client-perf')
const { follow, isOthers, leave, unfollow } = require('./following')
const { endMessage } = require('./incoming')

const { kNeedDrain, kDetachAbortSignal } = symbols

const kError = Symbol('kError') // on a request: what it was destroyed with, or its connection failed with

const TELLS_CAUSE = Number.parseInt(process.versions.node, 10) >= 26

const errorChannel = diagnostics.channel('http.client.request.error')
const finishChannel = diagnostics.channel('http.client.response.finish')

function emitError(request, error) {
  if (errorChannel.hasSubscribers) errorChannel.publish({ request, error })
  request.emit('error', error)
}

/** A request gets this socket, which may fail before it is told. */
function listenForErrors(socket) {
  follow(socket, onSocketError)
}

/** Starts following the socket for `req`. */
function listen(socket, req) {
  brief.onEnd(socket, onSocketEnd)
  brief.onClose(socket, onSocketClose)
  // With everything written there is nobody to tell.
  if (!req.finished) socket.on('drain', onSocketDrain)
}

/** The request is over for a socket that it was given. */
function letGo(socket) {
  unfollow(socket, onSocketError)
}

function ignoreInput(socket) {
  brief.offEnd(socket, onSocketEnd)
}

function onSocketDrain() {
  const req = this._httpMessage
  if (req && !req.finished && req[kNeedDrain]) {
    req[kNeedDrain] = false
    req.emit('drain')
  }
}

function onSocketEnd() {
  const { _httpMessage: req, parser } = this
  if (!req.res && !req.socket._hadError) hangUp(req)
  if (parser) {
    parser.finish()
    parser.release()
  }
  this.destroy()
}

// The peer is gone, and there is no response that could tell it.
function hangUp(req) {
  req.socket._hadError = true
  emitError(req, connResetError('socket hang up'))
}

function onSocketError(err) {
  if (isOthers(this)) return
  const { _httpMessage: req, parser } = this
  if (req) {
    // Further errors of this socket are not told again.
    this._hadError = true
    emitError(req, err)
    if (TELLS_CAUSE) req[kError] ||= err
  }
  if (parser) {
    parser.finish()
    parser.release()
  }
  ignoreInput(this)
  this.destroy()
}

// What a response that was cut off is destroyed with. From Node 26 on it tells why.
function abortedBy(cause) {
  return connResetError('aborted', TELLS_CAUSE && cause ? { cause } : undefined)
}

function onSocketClose() {
  // Taken before anything is emitted: a listener may release the parser.
  const { _httpMessage: req, parser } = this
  const { res } = req

  req.destroyed = true
  if (res) {
    if (!res.complete) res.destroy(abortedBy(req[kError]))
    req._closed = true
    req.emit('close')
    if (!res.aborted && res.readable) res.push(null)
  } else {
    if (!req.socket._hadError) hangUp(req)
    req._closed = true
    req.emit('close')
  }

  // What has not been written by now never will be.
  if (req.outputData) req.outputData.length = 0
  if (parser) {
    parser.finish()
    parser.release()
  }
}

function onResponseTimeout() {
  this._httpMessage?.res?.emit('timeout')
}

/** A final response's head has come. */
function onResponse(req, res, socket) {
  finishEntry(req, res)
  if (finishChannel.hasSubscribers) finishChannel.publish({ request: req, response: res })
  req.res = res
  res.req = req

  // Ahead of the user's listeners, so that the socket is looked after whatever those do.
  brief.onFirstEnd(res, onResponseEnd)
  if (!req.writableFinished) req.on('finish', onRequestFinish)
  brief.onTimeout(socket, onResponseTimeout)

  // Without a listener nobody will read the body, and the stalled socket would never come free.
  if (req.aborted || !req.emit('response', res)) res._dump()
}

/** A 1xx head other than 101: the answer proper is still to come. */
function onInformation(req, res) {
  if (res.statusCode === 100) req.emit('continue')
  const {
    statusCode,
    statusMessage,
    httpVersion,
    httpVersionMajor,
    httpVersionMinor,
    headers,
    rawHeaders,
  } = res
  req.emit('information', {
    statusCode,
    statusMessage,
    httpVersion,
    httpVersionMajor,
    httpVersionMinor,
    headers,
    rawHeaders,
  })
}

/** The response has arrived in full; who reads it may still be at it. */
function onComplete(socket) {
  ignoreInput(socket)
  brief.offDrain(socket, onSocketDrain)
}

function onParseError(req, socket, err) {
  ignoreInput(socket)
  socket.destroy()
  req.socket._hadError = true
  emitError(req, err)
}

/** 101, or the answer to CONNECT: the socket becomes the user's, with the bytes that followed the head. */
function onUpgrade(req, res, socket, rest) {
  req.res = res
  endMessage(res, '')
  ignoreInput(socket)
  socket.removeListener('drain', onSocketDrain)
  if (req.timeoutCb) socket.removeListener('timeout', req.timeoutCb)
  brief.offTimeout(socket, onResponseTimeout)

  const eventName = req.method === 'CONNECT' ? 'connect' : 'upgrade'
  if (req.listenerCount(eventName) === 0) {
    socket.destroy()
    return
  }

  req.upgradeOrConnect = true
  socket.emit('agentRemove')
  brief.offClose(socket, onSocketClose)
  leave(socket, onSocketError)
  socket._httpMessage = null
  socket.readableFlowing = null

  req.emit(eventName, res, socket, rest)
  req.destroyed = true
  req._closed = true
  req.emit('close')
}

function onResponseEnd() {
  const { req } = this
  const { socket } = req
  if (kDetachAbortSignal !== undefined) this[kDetachAbortSignal]()

  if (socket) {
    if (req.timeoutCb) socket.removeListener('timeout', req.timeoutCb)
    brief.offTimeout(socket, onResponseTimeout)
  }
  req._ended = true

  if (!req.shouldKeepAlive) {
    if (socket.writable) {
      if (typeof socket.destroySoon === 'function') socket.destroySoon()
      else socket.end()
    }
  } else if (req.writableFinished && !this.aborted) {
    // Only a socket that has sent everything may go to another request.
    keepAlive(req)
  }
}

// The response may end before the request has been sent in full.
function onRequestFinish() {
  // A destroyed request has given its socket away already.
  if (this.shouldKeepAlive && this._ended && !this.destroyed) keepAlive(this)
}

function keepAlive(req) {
  const { socket } = req
  if (req.timeoutCb) {
    socket.setTimeout(0, req.timeoutCb)
    req.timeoutCb = null
  }
  brief.offClose(socket, onSocketClose)
  letGo(socket)

  // After the user's own 'end' listeners.
  process.nextTick(emitFreeNT, req)
  req.destroyed = true
  // A late res.destroy() must not hit the next user of the socket.
  if (req.res) req.res.socket = null
}

function emitFreeNT(req) {
  req._closed = true
  req.emit('close')
  if (req.socket) req.socket.emit('free')
}

module.exports = {
  emitError,
  kError,
  letGo,
  listen,
  listenForErrors,
  onComplete,
  onInformation,
  onParseError,
  onResponse,
  onUpgrade,
}
