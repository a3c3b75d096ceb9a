'use strict'

// One connection of an HTTP server: what the codec reports on it, its listeners on the socket, and when it is idle.
// Requests and their responses are exchange.js. There is one object per connection and nothing is allocated per
// request beyond the messages themselves; the object is also `socket.parser`, which user code is known to read.

const { AsyncResource } = require('node:async_hooks')
const { clearTimeout, setTimeout } = require('node:timers')
const { maxHeaderSize, STATUS_CODES } = require('node:http')
const engine = require('../engine')
const net = require('../net')
const { codes } = require('../internal/errors')
const { attachReader, detachReader } = require('./codec')
const {
  connResetError,
  kHttp,
  lenientFlags,
  parseError,
  protocolError,
  symbols,
} = require('./common')
const { beginExchange, isUpgrade } = require('./exchange')
const { FedCodec } = require('./fed-codec')
const {
  endMessage,
  fillHead,
  followFlow,
  pushBody,
  readStart,
  unfollowFlow,
} = require('./incoming')
const { upgradeWhenListened } = require('./server-options')

const kConnections = Symbol('kConnections') // on a server: its connections, once it listens

const { kIncomingMessage, kNeedDrain } = symbols

const MAX_HEADER_PAIRS = 2000
const ASK_UPGRADE = 4

// Bits of a head's `info`, see engine.js.
const UPGRADE = 1 << 17
const HAS_BODY = 1 << 18

const CALLBACK_ERROR = { code: 'HPE_CB_HEADERS_COMPLETE', reason: 'User callback error' }

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
    this.incoming = null // the request that is being read
    this.requests = [] // not yet answered, in order
    this.responses = [] // waiting for their turn to write, in order
    this.outgoingData = 0 // bytes that waiting responses hold, roughly
    this.onPendingData = (delta) => updateOutgoing(this, delta)
    // Bound, unlike the other listeners: user code is known to call 'close' listeners with another `this`.
    this.onClose = () => closed(this)
    this.responseOptions = null
    this.requestsCount = 0
    this.declined = false // the codec is at an Upgrade field that JavaScript does not follow
    this.upgrades = false // the codec stops at an Upgrade field
    this.state = OPEN
    this.eofError = null // the stream ended in mid-message; told at 'end'
    this.startedAt = 0 // when the message under way began; 0 between messages
    this.headDone = false
    this.late = false // told once that it exceeded a timeout
    this.keepAliveTimeoutSet = false
    this.idleTimer = null
    this.idleTimerFor = 0
    this.idleSince = 0
    this.idleFor = 0
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
    this.startedAt = performance.now()
    server[kConnections]?.add(this)

    if (server.timeout && typeof socket.setTimeout === 'function') socket.setTimeout(server.timeout)
    this.listen()
    this.startCodec()
    socket._paused = false
  }

  listen() {
    const { socket } = this
    socket.on('timeout', onTimeout)
    socket.on('data', onData)
    socket.on('error', onError)
    socket.on('end', onEnd)
    socket.on('close', this.onClose)
    socket.on('drain', onDrain)
    followFlow(socket)
    socket.on = on
    socket.addListener = addListener
    socket.prependListener = prependListener
    socket.setEncoding = setEncoding
  }

  startCodec() {
    const { server, socket } = this
    const limit = server.maxHeaderSize || maxHeaderSize
    const lenient = lenientFlags(server.httpValidation, server.insecureHTTPParser)
    const handle = socket._handle
    // Bytes that somebody has read already (and put back) can only come by 'data'.
    if (typeof handle?.startHttp === 'function' && socket.readableLength === 0) {
      this.codec = handle
      this.handle = handle
      attachReader(handle, this)
      // Events of requests belong to this resource, as with Node's parser, and not to the socket.
      this.resource = new AsyncResource('HTTPINCOMINGMESSAGE', { requireManualDestroy: true })
      handle.scope = this.resource
      handle.startHttp(0, limit, lenient)
    } else {
      this.codec = FedCodec.create(0, limit, lenient)
      this.fed = true
      attachReader(this.codec, this)
    }
    this.updateUpgrades()
  }

  // The codec stops at an Upgrade field only when somebody may follow it.
  updateUpgrades() {
    const { server } = this
    const upgrades =
      server.shouldUpgradeCallback !== upgradeWhenListened || server.listenerCount('upgrade') > 0
    if (upgrades === this.upgrades) return
    this.upgrades = upgrades
    this.codec?.httpExpect(upgrades ? ASK_UPGRADE : 0)
  }

  // From now on the bytes come to the socket and are parsed from there: a user's 'data' listener wants to see them.
  unconsume() {
    if (this.fed || this.codec === null) return
    const codec = FedCodec.takeFrom(this.codec)
    if (codec === null) return
    detachReader(this.codec)
    attachReader(codec, this)
    this.codec = codec
    this.fed = true
    unfollowFlow(this.socket)
  }

  head(text, info, code) {
    if (this.state !== OPEN) return
    const { server, socket } = this
    const Message = server[kIncomingMessage]
    const req = new Message(socket)
    const { maxHeadersCount } = server
    this.incoming = req
    this.headDone = true
    // Without a body the end follows at once, and no time needs to be taken.
    if ((info & HAS_BODY) !== 0 && this.startedAt === 0) this.startedAt = performance.now()

    req.joinDuplicateHeaders = server.joinDuplicateHeaders || null
    req.upgrade = (info & UPGRADE) !== 0
    req.method = engine.httpMethods[code]
    const maxPairs = typeof maxHeadersCount === 'number' ? maxHeadersCount << 1 : MAX_HEADER_PAIRS
    req.url = fillHead(req, text, info, maxPairs)

    this.resetTimeout()
    let handled = false
    try {
      if (!req.upgrade || !isUpgrade(this, req)) {
        this.declined = (info & UPGRADE) !== 0
        beginExchange(this, req, info)
      }
      handled = true
    } finally {
      if (!handled) this.handlerThrew()
    }
    this.touch()
    this.updateUpgrades()
  }

  body(chunk) {
    if (this.state !== OPEN) return
    if (this.incoming !== null) pushBody(this.incoming, chunk)
    this.touch()
  }

  end(trailers) {
    if (this.state !== OPEN) return
    this.startedAt = 0
    this.headDone = false
    if (this.incoming !== null) endMessage(this.incoming, trailers)
    readStart(this.socket)
  }

  upgrade(rest) {
    const { incoming: req, server, socket } = this
    if (this.declined) return this.goOn(rest)
    if (this.state !== OPEN || req === null) return
    if (!req.complete) endMessage(req, '')
    readStart(socket)
    const handle = socket._handle
    this.detach()

    const event = req.method === 'CONNECT' ? 'connect' : 'upgrade'
    if (server.listenerCount(event) === 0) {
      socket.destroy()
      return
    }
    // The codec stopped reading at the switch; for the stream it never did.
    if (handle?.reading) handle.readStart()
    socket.readableFlowing = null
    server.emit(event, req, socket, rest)
  }

  // The codec stopped at the Upgrade field of a request that is a plain one.
  goOn(rest) {
    this.declined = false
    this.unconsume()
    const { codec } = this
    const handle = this.socket._handle
    if (handle?.reading) handle.readStart()
    codec.decline()
    if (this.codec === codec && rest.length > 0) codec.execute(rest)
  }

  fail(index, bytesParsed, rawPacket) {
    if (this.state !== OPEN) return
    if (engine.httpErrors[index].code === 'HPE_INVALID_EOF_STATE') {
      this.eofError = parseError(index, bytesParsed)
    } else {
      onError.call(this.socket, parseError(index, bytesParsed, rawPacket))
    }
  }

  handlerThrew() {
    this.state = DROPPING
    process.nextTick(refuseNT, this)
  }

  // A read has ended inside a head.
  partial() {
    if (this.startedAt === 0) this.startedAt = performance.now()
    this.touch()
  }

  // Anything read keeps the socket's timeout from expiring.
  touch() {
    const { socket } = this
    if (this.keepAliveTimeoutSet) this.idleSince = performance.now()
    else if (socket.timeout) socket._unrefTimer?.()
  }

  isIdle() {
    return this.startedAt === 0
  }

  /** Whether the message under way exceeds a timeout (0: none) for the first time. */
  isLate(now, headersTimeout, requestTimeout) {
    if (this.startedAt === 0 || this.late) return false
    const age = now - this.startedAt
    this.late =
      (headersTimeout > 0 && !this.headDone && age > headersTimeout) ||
      (requestTimeout > 0 && age > requestTimeout)
    return this.late
  }

  /** All responses are out: the connection may stay idle for `msecs`. */
  setIdle(msecs) {
    const { socket } = this
    if (typeof socket.setTimeout !== 'function') return
    this.keepAliveTimeoutSet = true
    if (socket.timeout) {
      // A timer of the socket's own runs already; it is the one to change.
      this.idleFor = 0
      socket.setTimeout(msecs)
      return
    }
    // A timer per request would cost as much as the rest of the keep-alive handling. One timer per connection is left
    // running while requests come and go, and looks at the clock when it fires.
    socket.timeout = msecs
    this.idleFor = msecs
    this.idleSince = performance.now()
    if (this.idleTimer === null || msecs < this.idleTimerFor) this.armIdleTimer(msecs)
  }

  armIdleTimer(msecs) {
    clearTimeout(this.idleTimer)
    this.idleTimerFor = msecs
    this.idleTimer = setTimeout(onIdleTimer, msecs, this).unref()
  }

  // A request ends the idle time.
  resetTimeout() {
    if (!this.keepAliveTimeoutSet) return
    this.keepAliveTimeoutSet = false
    const msecs = this.server.timeout || 0
    const { socket } = this
    if (msecs === 0 && this.idleFor !== 0 && socket.timeout === this.idleFor) socket.timeout = 0
    else socket.setTimeout(msecs)
  }

  // Takes everything of ours off the socket, which somebody else owns now.
  detach() {
    const { socket } = this
    socket.removeListener('data', onData)
    socket.removeListener('end', onEnd)
    socket.removeListener('close', this.onClose)
    socket.removeListener('drain', onDrain)
    socket.removeListener('error', onError)
    socket.removeListener('timeout', onTimeout)
    unfollowFlow(socket)
    restoreListeners(socket)
    release(this)
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

// By now the rest of that read has been dropped. What comes later is refused with its bytes, so they must come here.
function refuseNT(connection) {
  connection.unconsume()
  connection.state = REFUSING
}

function release(connection) {
  const { socket } = connection
  clearTimeout(connection.idleTimer)
  connection.idleTimer = null
  const { codec, resource } = connection
  if (codec !== null) detachReader(codec)
  connection.codec = null
  if (resource !== null) {
    connection.resource = null
    connection.handle.scope = connection.handle
    resource.emitDestroy()
  }
  connection.incoming = null
  connection.remove()
  connection.free()
  socket.parser = null
}

function onIdleTimer(connection) {
  connection.idleTimer = null
  if (!connection.keepAliveTimeoutSet || connection.idleFor === 0) return
  const left = connection.idleFor - (performance.now() - connection.idleSince)
  if (left > 0) connection.armIdleTimer(Math.ceil(left))
  // A timeout which the user has set since then is the socket's own affair.
  else if (connection.socket.timeout === connection.idleFor) connection.socket.emit('timeout')
}

function onTimeout() {
  const connection = this[kHttp]
  const req = this.parser?.incoming
  const byRequest = req && !req.complete && req.emit('timeout', this)
  const res = this._httpMessage
  const byResponse = res && res.emit('timeout', this)
  const byServer = connection.server.emit('timeout', this)
  if (!byRequest && !byResponse && !byServer) this.destroy()
}

function onData(chunk) {
  const connection = this[kHttp]
  // Bytes that the engine did not read: somebody pushed them.
  if (!connection.fed) connection.unconsume()
  if (connection.state === REFUSING) onError.call(this, protocolError(CALLBACK_ERROR, 0, chunk))
  else connection.codec?.execute(chunk)
}

function onEnd() {
  const connection = this[kHttp]
  const { responses, server } = connection
  if (connection.fed) connection.codec?.finish()
  if (connection.eofError !== null) onError.call(this, connection.eofError)
  else if (!server.httpAllowHalfOpen) this.end()
  else if (responses.length > 0) responses[responses.length - 1]._last = true
  else if (this._httpMessage) this._httpMessage._last = true
  else this.end()
}

function closed(connection) {
  const { requests, responses } = connection
  release(connection)
  while (requests.length > 0) requests.shift().destroy(connResetError('aborted'))
  while (responses.length > 0) responses.shift().destroy(connResetError('aborted'))
}

function onDrain() {
  resumeReading(this[kHttp])
}

function updateOutgoing(connection, delta) {
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

const answers = new Map(
  [
    ['HPE_HEADER_OVERFLOW', 431],
    ['HPE_CHUNK_EXTENSIONS_OVERFLOW', 413],
    ['ERR_HTTP_REQUEST_TIMEOUT', 408],
    ['other', 400],
  ].map(([code, status]) => [
    code,
    Buffer.from(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`,
      'latin1',
    ),
  ]),
)

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

function setEncoding() {
  throw new codes.ERR_HTTP_SOCKET_ENCODING()
}

function restoreListeners(socket) {
  socket.on = net.Socket.prototype.on
  socket.addListener = net.Socket.prototype.addListener
  socket.prependListener = net.Socket.prototype.prependListener
}

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

module.exports = {
  ServerConnection,
  fail: (socket, error) => onError.call(socket, error),
  kConnections,
}
