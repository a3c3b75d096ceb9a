'use strict'

// Turns what the response codec of one connection reports into the events of a request. There is one reader per
// connection, for its whole life; while a request is under way it is `socket.parser` and `req.parser`. The codec is
// the handle of one of our sockets, whose bytes never reach JavaScript, or a FedCodec fed by the 'data' of any
// other stream (TLS, a socket of Node's, a Duplex). See codec.js for the seam between codec and reader.

const { AsyncResource } = require('node:async_hooks')
const { Buffer } = require('node:buffer')
const { IncomingMessage, maxHeaderSize } = require('node:http')
const { httpErrors } = require('../engine')
const {
  EXPECT_CONNECT,
  EXPECT_HEAD,
  IS_KEPT_ALIVE,
  IS_UPGRADE,
  UNTIL_CLOSE,
} = require('../internal/records')
const { kOwner } = require('../internal/symbols')
const { turn } = require('../outbox')
const net = require('../net')
const exchange = require('./client-exchange')
const { LastHead } = require('./last-head')
const { attachReader, detachReader } = require('./codec')
const { CALLBACK_ERROR, lenientFlags, parseError, protocolError } = require('./common')
const { FedCodec } = require('./fed-codec')
const {
  endMessage,
  endQuietly,
  fillHead,
  followFlow,
  pushBody,
  readStart,
  unfollowFlow,
} = require('./incoming')
const { kReader, unwatchListeners, watchListeners } = require('./watched-socket')

const ROLE_RESPONSE = 1

const MAX_HEADER_PAIRS = 2000
// A server refuses a request with more fields than its maxHeadersCount, a client leaves out what is too many.
const ANY_FIELDS = 0

const { push } = IncomingMessage.prototype

const NOTHING = Buffer.alloc(0)

const scopeOptions = { requireManualDestroy: true }

class ResponseReader {
  constructor(socket) {
    this.socket = socket
    this.outgoing = null // the request that waits for or receives its response
    this.incoming = null // the response being received
    this.onIncoming = null // set while a request is under way, as on Node's parser
    this.maxHeaderPairs = MAX_HEADER_PAIRS
    this.joinDuplicateHeaders = null
    this.codec = null // null before 'connect' and after an upgrade
    this.fed = false // the codec gets its bytes from 'data' of the socket
    this.headerLimit = maxHeaderSize
    this.lenient = 0
    this.scope = null // the async scope of the present request
    this.waiting = false // for 'connect'
    this.spoiled = false // trailers may have told the codec that the connection ends
    this.ended = 0 // the turn in which the last response was whole
    this.heard = false // others were listening for 'data' when the waiting began
    // A listener has thrown: Node's parser does not go on after that, and after one of the head refuses what comes later.
    this.stalled = false
    this.refusesAfter = -1 // the turn of such a throw
    this.info = 0 // of the present response's head
    this.lastHead = new LastHead()
  }

  // Takes the next request.
  begin(req) {
    this.outgoing = req
    this.incoming = null
    this.onIncoming = exchange.onResponse
    this.stalled = false
    this.maxHeaderPairs =
      typeof req.maxHeadersCount === 'number' ? req.maxHeadersCount << 1 : MAX_HEADER_PAIRS
    this.joinDuplicateHeaders = req.joinDuplicateHeaders
    this.scope = new AsyncResource('HTTPCLIENTREQUEST', scopeOptions)

    const limit = req.maxHeaderSize || maxHeaderSize
    const lenient = lenientFlags(req.httpValidation, req.insecureHTTPParser)
    if (limit !== this.headerLimit || lenient !== this.lenient || this.spoiled) {
      this.headerLimit = limit
      this.lenient = lenient
      this.spoiled = false
      this.codec = null
    }
    this.start()
  }

  start(add = 'on') {
    const { socket } = this
    // (instanceof also counts Node's own under the preload.)
    if (socket.connecting && Object.prototype.isPrototypeOf.call(net.Socket.prototype, socket)) {
      // Until then the handle may be replaced by one for another address.
      if (!this.waiting) {
        socket.once('connect', onSocketConnect)
        this.heard = socket.listenerCount('data') > 0
      }
      this.waiting = true
      return
    }
    if (this.codec === null) this.attach()
    const { codec, outgoing: req } = this
    if (this.fed) {
      socket[add]('data', onSocketData)
      // Only on() starts the flow.
      if (add !== 'on' && socket.readableFlowing !== false) socket.resume()
    }
    if (!this.fed) codec.scope = this.scope
    // How the body of the response is delimited depends on the method.
    if (req.method === 'HEAD') codec.httpExpect(EXPECT_HEAD)
    else if (req.method === 'CONNECT') codec.httpExpect(EXPECT_CONNECT)
  }

  attach() {
    const { socket } = this
    const handle = socket._handle
    // Bytes that have come to the stream already can only be had from there, and who listens for bytes must get them.
    const readsItself = socket.readableLength > 0 || socket.listenerCount('data') > 0
    // Without a connection of the engine's, or with that of another socket, the bytes come from somebody who has put himself in
    // the place of one.
    const isOwn = typeof handle?.startHttp === 'function' && handle[kOwner] === socket
    if (isOwn && handle.id !== 0 && !readsItself) {
      this.codec = handle
      this.fed = false
      unfollowFlow(socket)
      followFlow(socket)
      watchListeners(socket)
      handle.startHttp(ROLE_RESPONSE, this.headerLimit, ANY_FIELDS, this.lenient)
      if (socket.readableFlowing !== false) socket.resume()
    } else {
      this.codec = FedCodec.create(ROLE_RESPONSE, this.headerLimit, ANY_FIELDS, this.lenient)
      this.fed = true
    }
    attachReader(this.codec, this)
  }

  // Somebody listens for the bytes: they come to the stream from now on, and are parsed from there. What the handle has
  // parsed already it still tells.
  unconsume() {
    const { codec: handle, fed, socket } = this
    if (fed || handle === null) return
    const codec = FedCodec.takeFrom(handle)
    this.leaveHandle()
    handle.resetScope()
    if (!handle.reading) {
      handle.reading = true
      handle.readStart()
    }
    // Between two requests there is nothing to parse; the next one may come from Node's own client, with its own parser.
    if (this.outgoing !== null && codec !== null) {
      this.codec = codec
      this.fed = true
      attachReader(codec, this)
      socket.on('data', onSocketData)
    }
  }

  leaveHandle() {
    const { socket } = this
    this.codec = null
    unfollowFlow(socket)
    unwatchListeners(socket)
  }

  // Unties the connection from its request.
  release() {
    const { codec, outgoing: req, scope, socket } = this
    this.outgoing = null
    this.incoming = null
    this.onIncoming = null
    this.joinDuplicateHeaders = null
    socket.parser = null
    if (this.fed) socket.removeListener('data', onSocketData)
    if (req !== null) req.parser = null
    if (scope !== null) {
      this.scope = null
      if (codec !== null && !this.fed) codec.resetScope()
      scope.emitDestroy()
    }
  }

  head(text, info, code) {
    info = this.lastHead.note(text, info)
    const { socket, outgoing: req } = this
    if (socket.timeout) socket._unrefTimer()
    if (req === null || req.res) {
      // Nobody asked for this response, and the next request must not get it.
      socket.destroy()
      return
    }

    const res = new IncomingMessage(socket)
    res.joinDuplicateHeaders = this.joinDuplicateHeaders
    res.upgrade = (info & IS_UPGRADE) !== 0
    res.statusCode = code
    res.statusMessage = fillHead(res, text, info, this.maxHeaderPairs, this.lastHead)
    this.incoming = res
    this.info = info

    if (res.upgrade || req.method === 'CONNECT') {
      res.upgrade = true
      req.res = res
      // The switch is told by the connection itself.
      if (!this.fed) this.codec.resetScope()
      return
    }
    if (code >= 100 && code < 200 && code !== 101) {
      // Not the answer yet: a 1xx head has no body and ends here.
      this.incoming = null
      exchange.onInformation(req, res)
      return
    }
    if (req.shouldKeepAlive && (info & IS_KEPT_ALIVE) === 0 && !req.upgradeOrConnect)
      req.shouldKeepAlive = false
    this.stalled = true
    this.refusesAfter = turn.current
    exchange.onResponse(req, res, socket)
    this.stalled = false
    if (code === 304) res.complete = true
  }

  body(chunk) {
    const { incoming: res, socket } = this
    if (socket.timeout) socket._unrefTimer()
    if (res === null) return
    if (this.stalled) return this.refuse(chunk)
    this.stalled = true
    this.refusesAfter = -1
    pushBody(res, chunk, socket)
    this.stalled = false
  }

  end(trailers) {
    const { incoming: res, outgoing: req, socket } = this
    // What only the peer's close could end is ended by the 'end' of the socket, after its other listeners.
    if (this.endsByClose()) return
    if (this.stalled) return this.refuse(NOTHING)
    if (res === null || res.upgrade) return
    // Node's parser is a fresh one for each response.
    this.spoiled = trailers !== ''
    this.lastHead.shape.note(res)
    this.stalled = true
    if (trailers === '' && isRead(res)) endQuietly(res)
    else endMessage(res, trailers)
    this.stalled = false
    // A body that filled its buffer has paused the socket, which must not come to rest like that.
    readStart(socket)
    exchange.onComplete(socket)
    this.ended = turn.current
    if (this.outgoing === req) this.release()
  }

  upgrade(rest) {
    const { codec, fed, outgoing: req, incoming: res, socket } = this
    // The connection is raw from here on; HTTP on it again would start a new codec.
    detachReader(codec)
    this.leaveHandle()
    this.release()
    // A 101 that names no protocol is an answer like any other, with nothing behind it.
    if (req !== null) exchange.onUpgrade(req, res, socket, rest)
    // The codec stopped reading at the switch; for the stream it never did.
    if (!fed && !socket.destroyed && codec.reading) codec.readStart()
  }

  refuse(chunk) {
    const { outgoing: req, refusesAfter, socket } = this
    // The rest of the read in which it was thrown is dropped. (One that 'data' brought has no turn, see onSocketData.)
    if (req === null || refusesAfter === -1 || refusesAfter === turn.current) return
    this.release()
    exchange.onParseError(req, socket, protocolError(CALLBACK_ERROR, 0, chunk))
  }

  fail(index, bytesParsed, rawPacket) {
    // A message cut short by the peer's close is told by the socket's 'end' and 'close'.
    if (httpErrors[index].code === 'HPE_INVALID_EOF_STATE') return
    if (this.stalled) return this.refuse(rawPacket)
    const { socket } = this
    // Node parses a whole read before it lets go of the request, so rubbish behind a response is told to it.
    const req = this.outgoing ?? (this.ended === turn.current ? socket._httpMessage : null)
    this.release()
    if (!req || req._ended) socket.destroy()
    else exchange.onParseError(req, socket, parseError(index, bytesParsed, rawPacket))
  }

  // A read ended inside of a head.
  partial() {
    const { socket } = this
    if (this.outgoing === null) socket.destroy()
    else if (socket.timeout) socket._unrefTimer()
  }

  // Whether the present body has neither length nor chunks. Such a response never keeps the connection.
  endsByClose() {
    return (this.info & (UNTIL_CLOSE | IS_KEPT_ALIVE)) === UNTIL_CLOSE
  }

  // Nothing more will come.
  finish() {
    const { incoming: res, stalled } = this
    if (res === null || stalled || res.complete || res.upgrade) return
    if (this.endsByClose()) endMessage(res, '')
  }
}

// Whether what has come of this response is going to be read in the tick that its reader's resume() has queued, which
// finds the end as well. Of the 'readable' that an end told as usual would lead to, only who comes to listen for it
// in between could hear.
function isRead(res) {
  const { _readableState: state } = res
  return (
    state.sync &&
    state.flowing &&
    !state.readableListening &&
    state.decoder === null &&
    res.push === push
  )
}

function onSocketConnect() {
  const reader = this[kReader]
  reader.waiting = false
  // The request may have been given up meanwhile, and the socket have gone to the pool.
  if (reader.outgoing === null) return
  // Node's parser has listened since before 'connect': it hears of the bytes ahead of who came meanwhile.
  reader.start(reader.heard ? 'on' : 'prependListener')
}

function onSocketData(chunk) {
  const reader = this[kReader]
  const { codec, scope } = reader
  if (reader.stalled && reader.refusesAfter !== -1) {
    reader.refusesAfter = Infinity
    reader.refuse(chunk)
    return
  }
  scope.runInAsyncScope(codec.execute, codec, chunk)
}

function readerOf(socket) {
  return (socket[kReader] ??= new ResponseReader(socket))
}

module.exports = { readerOf }
