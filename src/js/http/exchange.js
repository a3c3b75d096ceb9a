'use strict'

// A request and its response: how the pair begins, who handles it, and what becomes of the connection afterwards.

const process = require('node:process')
const diagnostics = require('node:diagnostics_channel')
const { IncomingMessage } = require('node:http')
const { HAS_EXPECT, HAS_HOST, IS_KEPT_ALIVE } = require('../internal/records')
const { kHttp, symbols } = require('./common')
const { leavesUnheard } = require('./pipelined')
const { emitClose, fastClass } = require('./response')

const startChannel = diagnostics.channel('http.server.request.start')
const finishChannel = diagnostics.channel('http.server.response.finish')

const { kDetachAbortSignal, kOptimizeEmptyRequests, kServerResponse, kUniqueHeaders } = symbols

const { _destroy, _dump, destroy, emit, push, read, resume } = IncomingMessage.prototype

const CONTINUE = /(?:^|\W)100-continue(?:$|\W)/i

function beginExchange(connection, req, info) {
  const { server, socket } = connection
  connection.requests.push(req)
  stopWhenBehind(connection)

  const options = connection.responseOptions
  options.rejectNonStandardBodyWrites = server.rejectNonStandardBodyWrites
  const res = new (fastClass(server[kServerResponse]))(req, options)
  res._keepAliveTimeout = server.keepAliveTimeout
  res._onPendingData = connection.onPendingData
  res.shouldKeepAlive = (info & IS_KEPT_ALIVE) !== 0
  // Properties that the constructor has not made cost a new backing store each, so only when they say something.
  if (server.maxRequestsPerSocket) res._maxRequestsPerSocket = server.maxRequestsPerSocket
  if (server[kUniqueHeaders] !== null) res[kUniqueHeaders] = server[kUniqueHeaders]

  if (startChannel.hasSubscribers)
    startChannel.publish({ request: req, response: res, socket, server })

  if (server[kOptimizeEmptyRequests] && !announcesBody(req.headers)) {
    closeEmpty(req)
    req._read()
  }

  // Pipelined: the one before has the socket until it is finished.
  if (socket._httpMessage) connection.responses.push(res)
  else res.assignSocket(socket)
  res.on('finish', onFinish)
  handle(connection, req, res, info)
}

// A peer that sends requests and reads no answers must not make us hold them all.
function stopWhenBehind(connection) {
  const { socket } = connection
  if (socket._paused) return
  if (socket.writableNeedDrain || connection.outgoingData >= socket.writableHighWaterMark) {
    socket._paused = true
    socket.pause()
  }
}

function announcesBody(headers) {
  return 'content-length' in headers || 'transfer-encoding' in headers
}

// Who gets the request. The rules beyond 'request' are for HTTP/1.1 only, as in Node.
function handle(connection, req, res, info) {
  const { server } = connection
  if (req.httpVersionMajor === 1 && req.httpVersionMinor === 1) {
    // RFC 9112 section 3.2: no Host, no service.
    if ((info & HAS_HOST) === 0 && server.requireHostHeader) {
      res.writeHead(400, ['Connection', 'close'])
      res.end()
      return
    }
    const limit = server.maxRequestsPerSocket
    if (typeof limit === 'number' && limit > 0) {
      connection.requestsCount++
      res.maxRequestsOnConnectionReached = limit <= connection.requestsCount
      if (limit < connection.requestsCount) {
        server.emit('dropRequest', req, connection.socket)
        res.writeHead(503)
        res.end()
        return
      }
    }
    if ((info & HAS_EXPECT) !== 0) {
      handleExpectation(server, req, res)
      return
    }
  }
  server.emit('request', req, res)
}

function handleExpectation(server, req, res) {
  if (CONTINUE.test(req.headers.expect)) {
    res._expect_continue = true
    if (server.listenerCount('checkContinue') > 0) {
      server.emit('checkContinue', req, res)
    } else {
      res.writeContinue()
      server.emit('request', req, res)
    }
  } else if (server.listenerCount('checkExpectation') > 0) {
    server.emit('checkExpectation', req, res)
  } else {
    res.writeHead(417)
    res.end()
  }
}

function onFinish() {
  const connection = this.socket[kHttp]
  const { requests, responses, server, socket } = connection
  // Responses finish in the order of their requests; those of an aborted connection are gone already.
  // (For one element pop() is inlined, shift() is a call into C++.)
  const req =
    requests.length === 0 ? this.req : requests.length === 1 ? requests.pop() : requests.shift()
  if (finishChannel.hasSubscribers) {
    finishChannel.publish({ request: req, response: this, socket, server })
  }

  if (kDetachAbortSignal !== undefined) req[kDetachAbortSignal]()
  const unread = !req._consuming && !req._readableState.resumeScheduled
  const quiet = unread && isQuiet(req)
  // Nobody reads the body: take its bytes off the wire, or the next request never comes.
  if (quiet) req._dumped = true
  else if (unread) req._dump()

  this.detachSocket(socket)
  forget(connection, req)
  if (quiet) process.nextTick(closeBothNT, this, req)
  else process.nextTick(emitClose, this)

  if (this._last) {
    if (typeof socket.destroySoon === 'function') socket.destroySoon()
    else socket.end()
  } else if (responses.length > 0) {
    connection.isQuiet = leavesUnheard(this) && !finishChannel.hasSubscribers
    responses.shift().assignSocket(socket)
  } else {
    keepAlive(connection)
  }
}

// Ending an empty stream that nobody listens to takes five ticks of the stream machinery, a fifth of the JavaScript of
// a small GET. Such a request gets the same final state at once. Not one whose methods somebody has replaced: whoever
// wraps emit() wants to hear of 'end' and 'close' without a listener.
function isQuiet(req) {
  return req.complete && isUnwatched(req)
}

function isUnwatched(req) {
  return (
    req._eventsCount === 0 &&
    req.readableLength === 0 &&
    !req._dumped &&
    !req.destroyed &&
    req._dump === _dump &&
    req._destroy === _destroy &&
    req.destroy === destroy &&
    req.emit === emit &&
    req.read === read &&
    req.resume === resume
  )
}

/** Whether the handler has answered this request and left nothing behind that waits for its end. */
function isAnswered(req, socket) {
  const res = socket._httpMessage
  return (
    res !== null &&
    res !== undefined &&
    res.finished &&
    res.req === req &&
    req.readableFlowing === null &&
    req.push === push &&
    isUnwatched(req)
  )
}

// A read request must not live as long as its connection. Node waits for 'end'; without a listener nobody can tell.
function forget(connection, req) {
  if (connection.incoming !== req) return
  if (req.readableEnded || (req.complete && req.listenerCount('end') === 0))
    connection.incoming = null
  else req.on('end', () => forget(connection, req))
}

const orElse = (value, fallback) => (Number.isFinite(value) && value >= 0 ? value : fallback)

function keepAlive(connection) {
  const { server } = connection
  const timeout = orElse(server.keepAliveTimeout, 0)
  // Longer than what the peer was told, so that it seldom writes into a closing connection.
  if (timeout > 0) connection.keepAlive.start(timeout + orElse(server.keepAliveTimeoutBuffer, 1000))
}

// The state of a stream that has ended and was destroyed, without the way there.
function closeEmpty(req) {
  req._dumped = true
  const state = req._readableState
  state.ended = true
  state.endEmitted = true
  state.destroyed = true
  state.closed = true
  state.closeEmitted = true
}

function closeBothNT(res, req) {
  emitClose(res)
  // Listeners that came with 'finish' or 'close' of the response want to see the request end.
  if (req._eventsCount === 0 && !req.destroyed) {
    req._readableState.flowing = true
    closeEmpty(req)
  } else {
    req.removeAllListeners('data')
    req.resume()
  }
}

module.exports = { beginExchange, isAnswered }
