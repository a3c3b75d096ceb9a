'use strict'

// The argument forms that connect and listen share.

const { kNormalizedArgs } = require('../internal/symbols')

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
  if (args.length > 0) {
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

module.exports = { isPipeName, normalizeArgs, toNumber }
