'use strict'

// Pipelined requests: their responses wait for each other. Those that are complete when the first of them gets its turn leave
// with it in one write; Node makes one for each. The events come in turn all the same, so this is done only when no listener
// of the user could see that the bytes of a later response have left already.

const { ServerResponse } = require('node:http')
const { WHOLE_MAX, isIdle, send, settle, sizeOf } = require('./whole-write')

const { _finish, _flush, _flushOutput } = ServerResponse.prototype

const kCallsBack = Symbol('kCallsBack') // on a response: somebody waits for its end

// What an older Node calls back for a write of which nobody wants to hear.
let nop

function isNop(callback) {
  if (nop === undefined) {
    const sample = new ServerResponse({ method: 'GET', httpVersionMajor: 1, httpVersionMinor: 1 })
    sample.end('text')
    nop = sample.outputData.length > 1 ? sample.outputData[0].callback : null
  }
  return callback === nop
}

// Whether no code of the user's runs while this one leaves. Every response has a listener for 'finish', the server's.
function leavesUnheard(res) {
  const isHeard = res._eventsCount !== 1 || typeof res._events.finish !== 'function'
  if (isHeard || res[kCallsBack]) return false
  const { outputData: items } = res
  for (let i = 0; i < items.length - 1; i++) {
    const { callback } = items[i]
    if (callback && !isNop(callback)) return false
  }
  return true
}

function isComplete(res, assignSocket) {
  return (
    res.finished &&
    res.outputData.length > 0 &&
    res.writableCorked === 0 &&
    !res.destroyed &&
    res.assignSocket === assignSocket &&
    isPlain(res)
  )
}

function isPlain(res) {
  return res._flush === _flush && res._flushOutput === _flushOutput && res._finish === _finish
}

// What leaves in one write: all of `res`, and of those behind it as many as are complete and fit in. Not while others hear
// that the one before is out.
function gather(connection, res) {
  const gathered = { items: res.outputData, size: sizeOf(res.outputData), count: 0 }
  if (!connection.isQuiet || !leavesUnheard(res) || res._last) return gathered
  for (const next of connection.responses) {
    if (!isComplete(next, res.assignSocket) || !leavesUnheard(next)) break
    const size = gathered.size + sizeOf(next.outputData)
    if (size > WHOLE_MAX) break
    if (gathered.count++ === 0) gathered.items = res.outputData.slice()
    gathered.items.push(...next.outputData)
    gathered.size = size
    // It ends the connection.
    if (next._last) break
  }
  return gathered
}

/** Sends what `res`, whose turn has come, has queued. False when `_flush()` has to. */
function flushInTurn(connection, res) {
  const { socket } = connection
  if (connection.sentAhead > 0) {
    connection.sentAhead--
    settle(res, socket, null)
    return true
  }
  if (!res.finished || !isPlain(res) || connection.handle === null || !isIdle(socket)) return false
  const { items, size, count } = gather(connection, res)
  if (size === 0 || size > WHOLE_MAX) return false
  const rest = send(socket._handle, items, size)
  if (rest === undefined) return false
  connection.sentAhead = count
  // The turn of the next one begins when this one is out, so what is left goes with it.
  settle(res, socket, rest)
  return true
}

module.exports = { flushInTurn, leavesUnheard, kCallsBack }
