'use strict'

// Fills Node's own IncomingMessage from what the codec reports. The class itself is used as it is: frameworks re-parent
// requests and responses (Express does), so nothing may hang on a prototype of ours.

const { REPEATS_ALL, REPEATS_FIELDS } = require('../internal/records')

const VERSION_1_1 = '1.1'

// A head crosses from Rust as one latin-1 string with LF between its parts, for that is in none of them even when parsing
// is lenient. A loop of indexOf is 1.3x `split` here (237 against 316 ns for seven fields, Node 24).
function splitFields(text, from) {
  const fields = []
  if (from === 0 || from >= text.length) return fields
  for (;;) {
    const end = text.indexOf('\n', from)
    if (end === -1) {
      fields.push(text.slice(from))
      return fields
    }
    fields.push(text.slice(from, end))
    from = end + 1
  }
}

// Node's parser hands over 32 fields at a time and drops what exceeds the limit only then, so shorter lists stay whole
// in rawHeaders while `headers` shows the first maxPairs of them.
const FLUSHED_AT = 64

// The fields that a head repeats, in a list of its own: the user may change it.
function fieldsAgain(last) {
  if (last.fields === null) {
    const { text } = last
    const cut = text.indexOf('\n')
    last.start = cut === -1 ? text : text.slice(0, cut)
    last.fields = splitFields(text, cut + 1)
  }
  return last.fields.slice()
}

/**
 * Puts version and fields of a head into `message`; returns the text before the first field (request target or reason).
 * `info`: bits 0-7 minor version, 8-15 major version. `maxPairs`: names and values counted singly, <= 0 for no limit.
 * `last`: the LastHead of the connection.
 */
function fillHead(message, text, info, maxPairs, last) {
  const minor = info & 0xff
  const major = (info >> 8) & 0xff
  message.httpVersionMajor = major
  message.httpVersionMinor = minor
  message.httpVersion = major === 1 && minor === 1 ? VERSION_1_1 : `${major}.${minor}`
  if ((info & REPEATS_FIELDS) !== 0) {
    const fields = fieldsAgain(last)
    addFields(message, fields, maxPairs)
    last.shape.fill(message, fields, last.text.length, maxPairs)
    return (info & REPEATS_ALL) !== 0 ? last.start : text
  }
  const cut = text.indexOf('\n')
  if (cut === -1) return text
  const fields = splitFields(text, cut + 1)
  addFields(message, fields, maxPairs)
  last.shape.fill(message, fields, text.length, maxPairs)
  return text.slice(0, cut)
}

function addFields(message, fields, maxPairs) {
  let count = fields.length
  if (maxPairs > 0 && count > maxPairs) {
    if (count >= FLUSHED_AT) fields.length = maxPairs
    count = maxPairs
  }
  message._addHeaderLines(fields, count)
}

function readStart(socket) {
  if (socket && !socket._paused && socket.readable) socket.resume()
}

function readStop(socket) {
  if (socket) socket.pause()
}

// `socket` brings the bytes, also when the message has lost it: one that was destroyed holds them up for good.
function pushBody(message, chunk, socket) {
  // A dumped message still takes its bytes off the wire; nobody will read them.
  if (!message._dumped && !message.push(chunk)) readStop(socket)
}

/** The message is whole: `trailers` as its fields crossed, empty for none. */
function endMessage(message, trailers) {
  message.complete = true
  if (trailers) addFields(message, splitFields(`\n${trailers}`, 1), 0)
  message.push(null)
}

/** As endMessage(), when nobody can notice the 'readable' that push(null) would lead to. */
function endQuietly(message) {
  message.complete = true
  message._readableState.ended = true
}

// While the codec reads the socket, the stream state of the socket sees no bytes and so cannot stop the handle by
// itself: its pause and resume are followed here.
function onResume() {
  if (this._paused) {
    // resume() is deferred, and something paused the socket again before it took effect.
    this.pause()
    return
  }
  const handle = this._handle
  if (handle && !handle.reading) {
    handle.reading = true
    handle.readStart()
  }
}

function onPause() {
  const handle = this._handle
  if (handle?.reading) {
    handle.reading = false
    handle.readStop()
  }
}

function followFlow(socket) {
  socket.on('resume', onResume)
  socket.on('pause', onPause)
}

function unfollowFlow(socket) {
  socket.removeListener('pause', onPause)
  socket.removeListener('resume', onResume)
}

module.exports = {
  endMessage,
  endQuietly,
  fillHead,
  followFlow,
  pushBody,
  readStart,
  unfollowFlow,
}
