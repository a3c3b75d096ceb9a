'use strict'

// The head of a plain request as text. Requests to a peer mostly repeat their fields, often their whole heads: those of
// the request before are used again, and are flat strings by then. What is not plain is left to Node's OutgoingMessage.

const { ClientRequest: NodeClientRequest, OutgoingMessage } = require('node:http')
const { symbols } = require('./common')
const { fieldNamed } = require('./fields')

const { kOutHeaders } = symbols
const { _implicitHeader } = NodeClientRequest.prototype
const { _storeHeader } = OutgoingMessage.prototype

/** Whether Node's header rules would find nothing but the usual in `req`. */
function isPlain(req) {
  return (
    kOutHeaders !== undefined &&
    req[kOutHeaders] !== null &&
    !req._header &&
    req._hasBody &&
    req._defaultKeepAlive &&
    !req.sendDate &&
    !req.chunkedEncoding &&
    !req.maxRequestsOnConnectionReached &&
    !req._keepAliveTimeout &&
    !req._removedConnection &&
    !req._removedContLen &&
    !req._removedTE &&
    req._storeHeader === _storeHeader
  )
}

// The lines of the fields that were composed last, and their text.
let lastLines = []
let lastFields = ''
let lines = []

// Gathers the lines of the fields that are set: how many, or -1 when one of them is not plain.
function gather(req) {
  const set = req[kOutHeaders]
  let count = 0
  for (const key in set) {
    const entry = set[key]
    const value = entry[1]
    const field = fieldNamed(entry[0])
    if (field === undefined || field.isSpecial || field.isLength || !field.allows(value)) return -1
    lines[count++] = field.lineFor(value)
  }
  return count
}

function fieldsOf(count) {
  let isLast = count === lastLines.length
  for (let i = 0; isLast && i < count; i++) isLast = lines[i] === lastLines[i]
  if (!isLast) {
    lines.length = count
    ;[lines, lastLines] = [lastLines, lines]
    lastFields = lastLines.join('')
  }
  return lastFields
}

// The last head, and what it was made of.
let lastMethod
let lastPath
let lastText = ''
let lastOf = ''
let lastEnding = ''

function composeHead(method, path, fields, ending) {
  if (path !== lastPath || method !== lastMethod || fields !== lastOf || ending !== lastEnding) {
    lastMethod = method
    lastPath = path
    lastOf = fields
    lastEnding = ending
    lastText = `${method} ${path} HTTP/1.1\r\n${fields}${ending}`
  }
  return lastText
}

const KEEP = 'Connection: keep-alive\r\n'
const CLOSE = 'Connection: close\r\n'

// What follows the user's fields, with the marks that it leaves on `req`.
function endingOf(req) {
  const { _contentLength: length, useChunkedEncodingByDefault: mayHaveBody } = req
  const keeps = Boolean(req.shouldKeepAlive && (mayHaveBody || req.agent))
  if (!keeps || !mayHaveBody) req._last = true
  const connection = keeps ? KEEP : CLOSE
  if (!mayHaveBody) return `${connection}\r\n`
  if (typeof length === 'number') return `${connection}Content-Length: ${length}\r\n\r\n`
  req.chunkedEncoding = true
  return `${connection}Transfer-Encoding: chunked\r\n\r\n`
}

/** As Node's ClientRequest.prototype._implicitHeader(), with the same result. */
function implicitHeader(req) {
  const count = isPlain(req) ? gather(req) : -1
  if (count === -1) {
    _implicitHeader.call(req)
    return
  }
  const { method, path } = req
  req._header = composeHead(method, path, fieldsOf(count), endingOf(req))
  req._headerSent = false
}

module.exports = { implicitHeader }
