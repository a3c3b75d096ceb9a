'use strict'

// The 'http' entries of perf_hooks for requests. Node's ClientRequest begins such an entry while somebody observes, but
// only its own response handling ends it. The one public way to the same end is a ServerResponse, which ends its own.

const { channel } = require('node:diagnostics_channel')
const { ClientRequest, OutgoingMessage, ServerResponse } = require('node:http')

const responseCreated = channel('http.server.response.created')
const channels = [
  channel('http.client.request.created'),
  channel('http.client.request.start'),
  responseCreated,
]

function finished(message) {
  message.socket = {}
  message._finish()
  return message
}

function statisticsOf(message) {
  return Object.getOwnPropertySymbols(message).find((symbol) =>
    symbol.description.endsWith('Statistics'),
  )
}

function isTracing() {
  try {
    return require('node:trace_events').getEnabledCategories()?.includes('node.http')
  } catch {
    // There is no such module in worker threads.
    return false
  }
}

// Finds the symbols under which Node keeps an entry that is under way. While it traces, the two messages made for that
// would be seen, so there is no perf_hooks then.
function findSymbols() {
  if (isTracing()) return {}
  const { PerformanceObserver } = require('node:perf_hooks')
  const observer = new PerformanceObserver(() => {})
  observer.observe({ type: 'http' })
  try {
    const agent = { addRequest() {}, protocol: 'http:' }
    return {
      kOfRequest: statisticsOf(finished(new ClientRequest({ agent }))),
      kOfResponse: statisticsOf(new ServerResponse({ method: 'GET' })),
    }
  } finally {
    observer.disconnect()
  }
}

// As findSymbols(), with the entry of a request that is there; undefined when that has none, or when a response would be heard of.
function symbolsBeside(req) {
  const kOfRequest = statisticsOf(req)
  if (kOfRequest === undefined || isTracing() || responseCreated.hasSubscribers) return undefined
  return { kOfRequest, kOfResponse: statisticsOf(new ServerResponse({ method: 'GET' })) }
}

// Looked for at the first response: a program that makes no requests saves the 2 ms.
let symbols

/** The head of the response has come: ends the entry that was begun with the request, if there is one. */
function finishEntry(req, res) {
  if (symbols === undefined) {
    // The two messages made for the search are nobody's business. While somebody observes, the request has its entry.
    const isHeard = channels.some(({ hasSubscribers }) => hasSubscribers)
    symbols = isHeard ? symbolsBeside(req) : findSymbols()
    if (symbols === undefined) return
  }
  const { kOfRequest, kOfResponse } = symbols
  if (kOfRequest === undefined || kOfResponse === undefined || req[kOfRequest] === undefined) return
  const carrier = new OutgoingMessage()
  carrier.socket = {}
  carrier.statusCode = res.statusCode
  carrier.statusMessage = res.statusMessage
  carrier.getHeaders = () => res.headers
  carrier[kOfResponse] = req[kOfRequest]
  ServerResponse.prototype._finish.call(carrier)
}

module.exports = { finishEntry }
