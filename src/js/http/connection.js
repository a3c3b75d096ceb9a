'use strict'

// One connection of an HTTP server: what the codec reports on it. Its listeners on the socket are connection-events.js,
// requests and their responses exchange.js, the time between two requests keep-alive.js, how it leaves HTTP upgrading.js.
// There is one object per connection and nothing is allocated per request beyond the messages themselves; the object is
// also `socket.parser`, which user code is known to read.

const process = require('node:process')
const { Buffer } = require('node:buffer')
const { maxHeaderSize } = require('node:http')
const engine = require('../engine')
const { HAS_BODY } = require('../internal/records')
const { requestOf } = require('../net/request')
const { now } = require('./clock')
const { attachReader, detachReader } = require('./codec')
const {
  CALLBACK_ERROR,
  fieldLimit,
  kConnections,
  kHttp,
  lenientFlags,
  parseError,
  protocolError,
  symbols,
} = require('./common')
const { fail, listen, unlisten, updateOutgoingData } = require('./connection-events')
const { beginExchange, isAnswered } = require('./exchange')
const { FedCodec } = require('./fed-codec')
const {
  endMessage,
  endQuietly,
  fillHead,
  pushBody,
  readStart,
  unfollowFlow,
} = require('./incoming')
const { KeepAlive } = require('./keep-alive')
const { LastHead } = require('./last-head')
const { goOn, leave, leavesHttp, watchUpgrades } = require('./upgrading')

const { kIncomingMessage } = symbols

const PRI = engine.httpMethods.indexOf('PRI')
const ON_TIMEOUT = 6

// What becomes of events after a handler has thrown, as in Node: the rest of that read is dropped, later bytes are refused.
const OPEN = 0
const DROPPING = 1
const REFUSING = 2

class ServerConnection {
  constructor(server, socket) {
    this.server = server
    this.socket = socket
    this.codec = null // what parses: the socket's handle, or a FedCodec fed by 'data'
    this.handle = null // the socket's, while the engine parses what it reads
    this.resource = null // the async resource of what the codec reports
    this.fed = false // 'data' of the socket feeds the codec
    this.lastHead = new LastHead()
    this.incoming = null // the request that is being read
    this.requests = [] // not yet answered, in order
    this.responses = [] // waiting for their turn to write, in order
    this.sentAhead = 0 // how many of those have been written already
    this.isQuiet = false // none of the user's code hears that the response before is out
    this.outgoingData = 0 // bytes that waiting responses hold, roughly
    this.onPendingData = updateOutgoingData.bind(undefined, this)
    this.onClose = null // the one listener that is bound
    this.responseOptions = null
    this.requestsCount = 0
    this.declined = false // the codec is at an Upgrade field that JavaScript does not follow
    this.upgrades = false // the codec stops at an Upgrade field
    this.upgradesAtEnd = false // it has not, but the present request leaves HTTP
    this.state = OPEN
    this.failedAt = -1 // where the parser met its error
    this.endsWithStream = false // so does the body of the present request
    this.eofError = null // the stream ended in mid-message; told at 'end'
    this.startedAt = 0 // when the message under way began; 0 between messages
    this.headDone = false
    this.late = false // told once that it exceeded a timeout
    this.keepAlive = new KeepAlive(socket)
  }

  start() {
    const { server, socket } = this
    socket[kHttp] = this
    socket.parser = this
    this.responseOptions = {
      highWaterMark: socket.writableHighWaterMark,
      rejectNonStandardBodyWrites: false,
    }
    // A peer that connects and stays silent is as late as one that sends half a head.
    this.startedAt = now()
    server[kConnections]?.add(this)

    if (server.timeout && typeof socket.setTimeout === 'function') socket.setTimeout(server.timeout)
    listen(this)
    this.startCodec()
    socket._paused = false
  }

  startCodec() {
    const { server, socket } = this
    const limit = server.maxHeaderSize || maxHeaderSize
    const fields = fieldLimit(server.maxHeadersCount)
    const lenient = lenientFlags(server.httpValidation, server.insecureHTTPParser)
    const handle = socket._handle
    // Bytes that somebody has read already (and put back) can only come by 'data'.
    if (typeof handle?.startHttp === 'function' && socket.readableLength === 0) {
      this.codec = handle
      this.handle = handle
      attachReader(handle, this)
      // Events of requests belong to this resource, as with Node's parser, and not to the socket.
      this.resource = requestOf(socket, 'HTTPINCOMINGMESSAGE')
      handle.scope = this.resource
      handle.startHttp(0, limit, fields, lenient)
    } else {
      this.codec = FedCodec.create(0, limit, fields, lenient)
      this.fed = true
      attachReader(this.codec, this)
    }
    watchUpgrades(this)
  }

  // From now on the bytes come to the socket and are parsed from there: a user's 'data' listener wants to see them.
  unconsume() {
    if (this.fed || this.codec === null) return
    const codec = FedCodec.takeFrom(this.codec)
    if (codec === null) return
    // The handle keeps its reader: records of the read that is being told are still to come.
    attachReader(codec, this)
    this.codec = codec
    this.fed = true
    unfollowFlow(this.socket)
  }

  head(text, info, code) {
    if (this.state !== OPEN) return
    info = this.lastHead.note(text, info)
    const { server, socket } = this
    const Message = server[kIncomingMessage]
    const req = new Message(socket)
    this.incoming = req
    this.headDone = true
    // Without a body the end follows at once, and no time needs to be taken.
    if ((info & HAS_BODY) !== 0 && this.startedAt === 0) this.startedAt = now()

    req.joinDuplicateHeaders = server.joinDuplicateHeaders || null
    req.method = engine.httpMethods[code]
    req.url = fillHead(req, text, info, 0, this.lastHead)

    this.keepAlive.stop(server.timeout || 0)
    let handled = false
    try {
      if (!leavesHttp(this, req, info)) beginExchange(this, req, info)
      handled = true
    } finally {
      if (!handled) this.handlerThrew()
    }
    if (code === PRI) process.nextTick(hangUpNT, this)
    this.keepAlive.touch()
    watchUpgrades(this)
  }

  body(chunk) {
    if (this.state !== OPEN) return
    if (this.incoming !== null) pushBody(this.incoming, chunk, this.socket)
    this.keepAlive.touch()
  }

  end(trailers, isClosing) {
    if (this.state !== OPEN) return
    // What only the end of the stream can end, ends with the socket's 'end': see finish().
    if (isClosing) {
      this.endsWithStream = true
      return
    }
    this.startedAt = 0
    this.headDone = false
    const { incoming, socket } = this
    if (incoming !== null) {
      this.lastHead.shape.note(incoming)
      if (trailers === '' && isAnswered(incoming, socket)) endQuietly(incoming)
      else endMessage(incoming, trailers)
    }
    if (this.upgradesAtEnd) {
      this.unconsume()
      this.upgrade(Buffer.alloc(0))
    } else readStart(socket)
  }

  upgrade(rest) {
    if (this.declined) goOn(this, rest)
    else if (this.state === OPEN && this.incoming !== null) leave(this, rest)
  }

  fail(index, bytesParsed, rawPacket) {
    if (this.state !== OPEN) return
    if (engine.httpErrors[index].code === 'HPE_INVALID_EOF_STATE') {
      this.eofError = parseError(index, bytesParsed)
    } else {
      // The parser tells one error for all later bytes too; node's counts from the first one's place.
      if (this.failedAt === -1) this.failedAt = bytesParsed
      fail(this.socket, parseError(index, this.failedAt, rawPacket))
    }
  }

  handlerThrew() {
    this.state = DROPPING
    process.nextTick(refuseNT, this)
  }

  // A read has ended inside a head.
  partial() {
    if (this.startedAt === 0) this.startedAt = now()
    this.keepAlive.touch()
  }

  // Not while a message is told either, whose time may not have been taken.
  isIdle() {
    return this.startedAt === 0 && !this.headDone
  }

  /** Whether the message under way exceeds a timeout (0: none) for the first time. */
  isLate(time, headersTimeout, requestTimeout) {
    if (this.startedAt === 0 || this.late) return false
    const age = time - this.startedAt
    this.late =
      (headersTimeout > 0 && !this.headDone && age > headersTimeout) ||
      (requestTimeout > 0 && age > requestTimeout)
    return this.late
  }

  // Bytes that the engine did not read.
  feed(chunk) {
    // Somebody pushed them into the socket.
    if (!this.fed) this.unconsume()
    if (this.state === REFUSING) fail(this.socket, protocolError(CALLBACK_ERROR, 0, chunk))
    else this.codec?.execute(chunk)
  }

  // The stream has ended; gives the error of a message which that cuts off.
  finish() {
    if (this.fed) this.codec?.finish()
    if (this.endsWithStream) this.end('', false)
    return this.eofError
  }

  // The socket is somebody else's from now on.
  detach() {
    unlisten(this)
    this.release()
  }

  release() {
    this.keepAlive.clear()
    const { codec, resource, socket } = this
    if (codec !== null) detachReader(codec)
    this.codec = null
    this.incoming = null
    if (resource !== null) {
      this.resource = null
      this.handle.resetScope()
      resource.emitDestroy()
    }
    this.remove()
    this.free()
    socket.parser = null
  }

  // Node's parser has its callback under this number until it is freed.
  get [ON_TIMEOUT]() {
    return this.codec === null ? null : () => timedOut(this)
  }

  // Users call these on `socket.parser`, and replace them; the codec itself needs no pausing.
  pause() {}
  resume() {}
  free() {}
  close() {}
  remove() {
    this.server[kConnections]?.delete(this)
  }
}

// The opening of HTTP/2, with a version that lets it pass for a request. Node handles it, and hangs up after that read.
function hangUpNT({ failedAt, socket }) {
  if (failedAt === -1) socket.destroy()
}

function timedOut({ server, socket }) {
  if (!server.emit('timeout', socket)) socket.destroy()
}

// By now the rest of that read has been dropped. What comes later is refused with its bytes, so they must come here.
function refuseNT(connection) {
  connection.unconsume()
  connection.state = REFUSING
}

module.exports = { ServerConnection }
