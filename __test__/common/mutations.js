'use strict'

// Numbers into texts: what is done to a message that is sent on purpose wrong, and in which pieces it goes.

// mulberry32: small, and the same everywhere.
function random(seed) {
  let state = seed | 0
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (((mixed ^ (mixed >>> 14)) >>> 0) % below) | 0
  }
}

// `pieces` are what may be put somewhere into the text.
function mutate(text, below, pieces) {
  const pick = (list) => list[below(list.length)]
  const at = below(text.length + 1)
  switch (below(7)) {
    case 0:
    case 1: {
      // At the start of a line, where most of these belong.
      const line = text.indexOf('\r\n', at)
      const start = line === -1 ? at : line + 2
      return text.slice(0, start) + pick(pieces) + text.slice(start)
    }
    case 2:
      return text.slice(0, at) + pick(pieces) + text.slice(at)
    case 3:
      return text.slice(0, at) + text.slice(at + 1 + below(3))
    case 4:
      return text.slice(0, at) + String.fromCharCode(below(256)) + text.slice(at + 1)
    case 5:
      return text.slice(0, at) + text.slice(at + 1 + below(40))
    default: {
      // Something twice.
      const from = below(text.length + 1)
      return text.slice(0, Math.max(at, from)) + text.slice(Math.min(at, from))
    }
  }
}

function cut(bytes, below) {
  const pieces = []
  const size = below(2) === 0 ? bytes.length : below(2) === 0 ? 4 : 60
  for (let at = 0; at < bytes.length;) {
    const length = size === bytes.length ? size : 1 + below(size)
    pieces.push(bytes.subarray(at, at + length))
    at += length
  }
  return pieces
}

// A message whole, in two pieces cut at every byte (or every `step` bytes), and then byte by byte.
function* splits(text, step) {
  const bytes = Buffer.from(text, 'latin1')
  yield [bytes]
  for (let at = 1; at < bytes.length; at += step) yield [bytes.subarray(0, at), bytes.subarray(at)]
  yield Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))
}

module.exports = { cut, mutate, random, splits }
