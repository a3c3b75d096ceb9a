'use strict'

// The argument forms that connect and listen share, and what Node's own module knows about addresses.

const { kNormalizedArgs } = require('../internal/symbols')

let net

// Loaded when the first address is looked at: with what it needs it takes a third of the time and of the memory that a
// `require` of ours would take otherwise, and a process that only listens needs none of it.
function nodeNet() {
  return (net ??= require('node:net'))
}

function isIP(input) {
  return nodeNet().isIP(input)
}

function toNumber(value) {
  const number = Number(value)
  return number >= 0 ? number : false
}

function isPipeName(value) {
  return typeof value === 'string' && toNumber(value) === false
}

// All of them, as [options, callback or null].
function normalizeArgs(args) {
  let options = {}
  if (args.length !== 0) {
    const first = args[0]
    if (typeof first === 'object' && first !== null) {
      options = first
    } else if (isPipeName(first)) {
      options.path = first
    } else {
      options.port = first
      if (args.length > 1 && typeof args[1] === 'string') options.host = args[1]
    }
  }
  const last = args[args.length - 1]
  const normalized = [options, typeof last === 'function' ? last : null]
  normalized[kNormalizedArgs] = true
  return normalized
}

module.exports = { isIP, isPipeName, nodeNet, normalizeArgs, toNumber }
