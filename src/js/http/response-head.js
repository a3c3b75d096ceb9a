'use strict'

// The head of a plain response as text. Static parts are made once: status lines, the fields behind the user's own for
// one second, and the line of each field that keeps its value from one response to the next.

const { STATUS_CODES } = require('node:http')
const { Date, setTimeout } = require('../internal/timers')
const { symbols } = require('./common')
const { fieldNamed } = require('./fields')
const { Head } = require('./kept-heads')

// As Node's: a mocked one has no say.

const { kOutHeaders } = symbols

let tail = ''
let tailTimeout
const starts = []
const wholes = []

function dropTail() {
  tail = ''
}

function tailFor(keepAliveTimeout) {
  if (tail !== '' && keepAliveTimeout === tailTimeout) return tail
  const now = new Date()
  // The fields are good for this second.
  if (tail === '') setTimeout(dropTail, 1000 - now.getMilliseconds()).unref()
  tail = `Date: ${now.toUTCString()}\r\nConnection: keep-alive\r\n`
  if (keepAliveTimeout) tail += `Keep-Alive: timeout=${Math.floor(keepAliveTimeout / 1000)}\r\n`
  tailTimeout = keepAliveTimeout
  wholes.length = 0
  return tail
}

function startFor(statusCode) {
  const reason = STATUS_CODES[statusCode]
  if (reason === undefined) return undefined
  const made = starts[statusCode]
  if (made?.reason === reason) return made.line
  const line = `HTTP/1.1 ${statusCode} ${reason}\r\n`
  starts[statusCode] = { reason, line }
  return line
}

/** Whether writeHead() and Node's header rules would find nothing but the usual in `res`. */
function hasPlainHead(res, statusCode) {
  return (
    typeof statusCode === 'number' &&
    statusCode >= 200 &&
    statusCode !== 204 &&
    statusCode !== 304 &&
    res._header === null &&
    res._hasBody &&
    res.statusMessage === undefined &&
    res.sendDate &&
    res.shouldKeepAlive &&
    res.useChunkedEncodingByDefault &&
    res._defaultKeepAlive &&
    !res.chunkedEncoding &&
    !res.maxRequestsOnConnectionReached &&
    !res._maxRequestsPerSocket &&
    !res._removedConnection &&
    !res._removedContLen &&
    !res._removedTE &&
    (!res._expect_continue || res._sent100)
  )
}

// The head that was composed last of fields, and the lines between its first and its ending.
let lastHead = new Head('')
let lastStart = ''
let lastEnding = ''
let lastLines = []
let lines = []

// A head that is composed a second time is kept.
function headOf(start, count, ending) {
  let isLast = start === lastStart && ending === lastEnding && count === lastLines.length
  for (let i = 0; isLast && i < count; i++) isLast = lines[i] === lastLines[i]
  if (isLast) {
    if (lastHead.isNew) lastHead.keep()
    return lastHead
  }
  lines.length = count
  ;[lines, lastLines] = [lastLines, lines]
  lastStart = start
  lastEnding = ending
  lastHead = new Head(start + lastLines.join('') + ending)
  return lastHead
}

/**
 * The Head of a response with status line and fields of its own: those set on it, or with `given` those. It ends behind the
 * last field that does not depend on the body; a length among the fields is noted in `res._contentLength`. null: not
 * plain after all.
 */
function composeHead(res, statusCode, given) {
  const start = startFor(statusCode)
  if (start === undefined) return null
  const ending = tailFor(res._keepAliveTimeout)
  const set = res[kOutHeaders]
  if (given !== undefined) return set === null ? withGiven(res, start, given, ending) : null
  if (set === null) return wholeFor(statusCode, start, ending)

  let count = 0
  let length = null
  for (const key in set) {
    const entry = set[key]
    const value = entry[1]
    const field = fieldNamed(entry[0])
    if (field === undefined || field.isSpecial || !field.allows(value)) return null
    if (field.isLength) length = +value
    lines[count++] = field.lineFor(value)
  }
  res._contentLength = length
  return headOf(start, count, ending)
}

function wholeFor(statusCode, start, ending) {
  const made = wholes[statusCode]
  if (made?.start === start) return made.head
  const head = new Head(start + ending)
  head.keep()
  wholes[statusCode] = { start, head }
  return head
}

// The fields that writeHead() is given, which nobody has looked at yet.
function withGiven(res, start, given, ending) {
  let count = 0
  let length = null
  for (const key in given) {
    if (!Object.hasOwn(given, key)) continue
    const value = given[key]
    const field = fieldNamed(key)
    if (field === undefined || field.isSpecial || !field.allows(value)) return null
    if (field.isLength) length = +value
    lines[count++] = field.lineFor(value)
  }
  res._contentLength = length
  return headOf(start, count, ending)
}

module.exports = { composeHead, hasPlainHead }
