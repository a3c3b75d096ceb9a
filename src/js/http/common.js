'use strict'

// What both ends of an HTTP conversation share: the built-in module whose message classes are reused, the few private
// symbols those classes look for, and the errors a bad peer produces.

const process = require('node:process')
const nodeHttp = require('node:http')
const { httpErrors } = require('../engine')
const { clearInterval } = require('../internal/timers')

// Node keeps some state of its public classes under symbols that nothing exports. They are found once, by description,
// on throw-away instances. A Node that names them differently gives `undefined`, and the feature that needs the symbol
// falls back as its comment says; nothing is ever stored under `undefined`.
function symbolsOf(object) {
  const found = {}
  for (const symbol of Object.getOwnPropertySymbols(object)) found[symbol.description] = symbol
  return found
}

function probeServer() {
  const server = new nodeHttp.Server({ uniqueHeaders: ['x'] })
  // The symbol of the sweep's timer appears when tracking starts. Nothing listens; and close() would leave a tick behind.
  server.emit('listening')
  const found = symbolsOf(server)
  clearInterval(server[found['http.server.connectionsCheckingInterval']])
  return found
}

const ofMessage = symbolsOf(new nodeHttp.OutgoingMessage())
const ofServer = probeServer()
const ofIncoming = {
  ...symbolsOf(new nodeHttp.IncomingMessage(null)),
  ...symbolsOf(nodeHttp.IncomingMessage.prototype),
}

const symbols = {
  // OutgoingMessage: write() returned false and 'drain' is due. Fallback: the public writableNeedDrain.
  kNeedDrain: ofMessage.kNeedDrain,
  // OutgoingMessage: the header fields set so far. Fallback: no fast path.
  kOutHeaders: ofMessage.kOutHeaders,
  // OutgoingMessage: header names that are joined to one line. Fallback: the option has no effect.
  kUniqueHeaders: ofServer.kUniqueHeaders ?? Symbol('kUniqueHeaders'),
  // Server: its message classes and timers, under Node's own names, for code that looks them up there.
  kIncomingMessage: ofServer.IncomingMessage ?? Symbol('IncomingMessage'),
  kServerResponse: ofServer.ServerResponse ?? Symbol('ServerResponse'),
  kOptimizeEmptyRequests:
    ofServer.OptimizeEmptyRequestsOption ?? Symbol('OptimizeEmptyRequestsOption'),
  kSweep:
    ofServer['http.server.connectionsCheckingInterval'] ?? Symbol('connectionsCheckingInterval'),
  // IncomingMessage: its `headers`, null until they are asked for. Fallback: they are made of the fields each time.
  kHeaders: ofIncoming.kHeaders,
  // IncomingMessage: stops listening to the socket for `signal` (Node >= 24.18). Fallback: nothing to detach.
  kDetachAbortSignal: ofIncoming.kDetachAbortSignal,
}

// On a server: its connections, once it listens. Not Node's own symbol, whose list its native parser takes for its own.
const kConnections = Symbol('http.server.connections')
const kHttp = Symbol('kHttp') // on a server's socket: the ServerConnection that runs on it

// Bits of llhttp's leniency, as Node's own parser takes them.
const LENIENT_NONE = 0
const LENIENT_ALL = 1023
const LENIENT_FIELD_VALUES = 1024

let warned = false
const insecureByFlag =
  process.execArgv.includes('--insecure-http-parser') ||
  /--insecure-http-parser/.test(process.env.NODE_OPTIONS ?? '')

function isLenient() {
  if (insecureByFlag && !warned) {
    warned = true
    process.emitWarning('Using insecure HTTP parsing')
  }
  return insecureByFlag
}

function lenientFlags(httpValidation, insecureHTTPParser) {
  if (httpValidation === 'strict') return LENIENT_NONE
  if (httpValidation === 'relaxed') return LENIENT_FIELD_VALUES
  if (httpValidation === 'insecure') return LENIENT_ALL
  return (insecureHTTPParser ?? isLenient()) ? LENIENT_ALL : LENIENT_NONE
}

const MAX_FIELDS = 1000

// What `maxHeadersCount` makes of the parser's limit, where 0 is none.
function fieldLimit(maxHeadersCount) {
  if (typeof maxHeadersCount !== 'number') return MAX_FIELDS
  // Node counts names and values, in 32 bits.
  const strings = maxHeadersCount << 1
  return strings > 0 ? strings >> 1 : 0
}

function parseError(index, bytesParsed, rawPacket) {
  return protocolError(httpErrors[index], bytesParsed, rawPacket)
}

// What bytes get that come behind a head whose listener has thrown.
const CALLBACK_ERROR = { code: 'HPE_CB_HEADERS_COMPLETE', reason: 'User callback error' }

// The same own keys in the same order as the error of node's parser.
function protocolError({ code, reason }, bytesParsed, rawPacket) {
  const error = new Error('Parse Error')
  error.bytesParsed = bytesParsed
  error.code = code
  error.reason = reason
  // A message cut off by the end of the stream has no packet, and node leaves its message as it is.
  if (rawPacket !== undefined) {
    error.rawPacket = rawPacket
    error.message = `Parse Error: ${reason}`
  }
  return error
}

function connResetError(message, options) {
  const error = new Error(message, options)
  error.code = 'ECONNRESET'
  return error
}

function parseUniqueHeaders(headers) {
  return Array.isArray(headers) ? new Set(headers.map((name) => name.toLowerCase())) : null
}

module.exports = {
  CALLBACK_ERROR,
  connResetError,
  fieldLimit,
  kConnections,
  kHttp,
  lenientFlags,
  nodeHttp,
  parseError,
  parseUniqueHeaders,
  protocolError,
  symbols,
}
