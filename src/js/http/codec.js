'use strict'

// The seam between a codec and the reader of one connection. A codec is the handle of one of our sockets (the bytes
// are parsed in the engine and never reach JavaScript) or an HttpCodec fed with bytes that JavaScript brings. Both call
// the same methods: head, body, end, upgrade, fail, partial. No closure per connection.

const { ENDED } = require('../internal/records')

const kReader = Symbol('kReader') // on a codec: the reader it reports to

function onhead(text, info, code) {
  this[kReader].head(text, info, code)
  if ((info & ENDED) !== 0) this[kReader].end('')
}

// A response with a body that is not empty, in one read. After a throw its records are told once more, one by one, to a
// reader that has stalled.
function onwhole(text, info, code, chunk) {
  const reader = this[kReader]
  reader.head(text, info, code)
  reader.body(chunk)
  reader.end('')
}

function onbody(chunk) {
  this[kReader].body(chunk)
}

function onmessageend(trailers, isClosing) {
  this[kReader].end(trailers, isClosing)
}

function onupgrade(rest) {
  this[kReader].upgrade(rest)
}

function onparseerror(index, bytesParsed, rawPacket) {
  this[kReader].fail(index, bytesParsed, rawPacket)
}

function onpartial() {
  this[kReader].partial()
}

function attachReader(codec, reader) {
  codec[kReader] = reader
  codec.onhead = onhead
  codec.onwhole = onwhole
  codec.onbody = onbody
  codec.onmessageend = onmessageend
  codec.onupgrade = onupgrade
  codec.onparseerror = onparseerror
  codec.onpartial = onpartial
}

function ignore() {}

const NOBODY = {
  head: ignore,
  body: ignore,
  end: ignore,
  upgrade: ignore,
  fail: ignore,
  partial: ignore,
}

// What is still on its way from a codec whose connection has gone must not reach anybody.
function detachReader(codec) {
  codec[kReader] = NOBODY
}

module.exports = { attachReader, detachReader }
