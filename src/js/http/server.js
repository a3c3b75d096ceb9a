'use strict'

// http.Server: the listener, its options, and the sweep that ends slow or idle connections. What happens on one
// connection is connection.js.

const EventEmitter = require('node:events')
const { promisify } = require('node:util')
const { STATUS_CODES } = require('node:http')
const net = require('../net')
const { codes } = require('../internal/errors')
const { clearInterval, now, setInterval } = require('../internal/timers')
const { validateObject } = require('../internal/validators')
const { kConnections, parseUniqueHeaders, symbols } = require('./common')
const { ServerConnection } = require('./connection')
const { fail } = require('./connection-events')
const { storeOptions } = require('./server-options')

const { kSweep, kUniqueHeaders } = symbols

const NO_OPTIONS = Object.freeze({ __proto__: null })

function Server(options, requestListener) {
  if (!(this instanceof Server)) return new Server(options, requestListener)

  if (typeof options === 'function') {
    requestListener = options
    options = NO_OPTIONS
  } else if (options === undefined || options === null) {
    options = NO_OPTIONS
  } else {
    validateObject(options, 'options')
  }
  storeOptions(this, options)
  net.Server.call(this, {
    allowHalfOpen: true,
    noDelay: options.noDelay ?? true,
    keepAlive: options.keepAlive,
    keepAliveInitialDelay: options.keepAliveInitialDelay,
    highWaterMark: options.highWaterMark,
  })
  if (requestListener) this.on('request', requestListener)

  this.httpAllowHalfOpen = false
  this.on('connection', connectionListener)
  this.on('listening', setupConnectionsTracking)
  this.timeout = 0
  this.maxHeadersCount = null
  this.maxRequestsPerSocket = 0
  this[kUniqueHeaders] = parseUniqueHeaders(options.uniqueHeaders)
}
Object.setPrototypeOf(Server.prototype, net.Server.prototype)
Object.setPrototypeOf(Server, net.Server)

Server.prototype.close = function close() {
  this.closeIdleConnections()
  clearInterval(this[kSweep])
  net.Server.prototype.close.apply(this, arguments)
  return this
}

Server.prototype.closeAllConnections = function closeAllConnections() {
  for (const connection of this[kConnections] ?? []) connection.socket.destroy()
}

Server.prototype.closeIdleConnections = function closeIdleConnections() {
  for (const connection of this[kConnections] ?? []) {
    if (!connection.isIdle()) continue
    const response = connection.socket._httpMessage
    if (response && !response.finished) continue
    connection.socket.destroy()
  }
}

Server.prototype.setTimeout = function setTimeout(msecs, callback) {
  this.timeout = msecs
  if (callback) this.on('timeout', callback)
  return this
}

// Named after their symbols.
Object.assign(Server.prototype, {
  async [Symbol.asyncDispose]() {
    await promisify(this.close).call(this)
  },

  [EventEmitter.captureRejectionSymbol](error, event, ...args) {
    if (event !== 'request') {
      net.Server.prototype[EventEmitter.captureRejectionSymbol].call(this, error, event, ...args)
      return
    }
    const response = args[1]
    if (response.headersSent || response.writableEnded) {
      response.destroy()
      return
    }
    // What the failed handler set must not be taken for a part of the error's answer.
    for (const name of response.getHeaderNames()) response.removeHeader(name)
    response.statusCode = 500
    response.end(STATUS_CODES[500])
  },
})

function connectionListener(socket) {
  // Ours is what runs on this socket now, whoever made it: user code looks here.
  socket.server = this
  const connection = new ServerConnection(this, socket)
  connection.start()
}

function setupConnectionsTracking() {
  this[kConnections] ??= new Set()
  if (this[kSweep]) clearInterval(this[kSweep])
  // Started whatever the timeouts are now: they may be set later.
  this[kSweep] = setInterval(sweep, this.connectionsCheckingInterval, this).unref()
}

const positiveOrZero = (value) => (Number.isFinite(value) && value >= 0 ? value : 0)

// The only timer for headersTimeout and requestTimeout: connections note when a message began, nothing more.
function sweep(server) {
  const { headersTimeout, requestTimeout } = server
  let headers = positiveOrZero(headersTimeout)
  let request = positiveOrZero(requestTimeout)
  if (headers === 0 && request === 0) return
  if (request > 0 && headers > request) [headers, request] = [request, headers]

  const time = now()
  const late = []
  for (const connection of server[kConnections]) {
    if (connection.isLate(time, headers, request)) late.push(connection)
  }
  for (const connection of late) fail(connection.socket, new codes.ERR_HTTP_REQUEST_TIMEOUT())
}

function createServer(options, requestListener) {
  return new Server(options, requestListener)
}

module.exports = { Server, _connectionListener: connectionListener, createServer }
