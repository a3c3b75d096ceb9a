'use strict'

// The options of http.Server: checks and defaults. They become plain properties of the server, which users may change
// at any time, so nothing here is cached.

const { IncomingMessage, ServerResponse } = require('node:http')
const { codes } = require('../internal/errors')
const {
  validateBoolean,
  validateFunction,
  validateInteger,
  validateOneOf,
} = require('../internal/validators')
const { symbols } = require('./common')

const { kIncomingMessage, kOptimizeEmptyRequests, kServerResponse } = symbols

// Without a name, as in Node.
const defaults = {}
defaults.shouldUpgradeCallback = function () {
  return this.listenerCount('upgrade') > 0
}

function optionalInteger(options, name, fallback) {
  const value = options[name]
  if (value === undefined) return fallback
  validateInteger(value, name, 0)
  return value
}

function optionalBoolean(options, name, fallback) {
  const value = options[name]
  if (value === undefined) return fallback
  validateBoolean(value, `options.${name}`)
  return value
}

function storeParserOptions(server, options) {
  server.maxHeaderSize = optionalInteger(options, 'maxHeaderSize', undefined)
  server[kOptimizeEmptyRequests] = optionalBoolean(options, 'optimizeEmptyRequests', false)
  server.insecureHTTPParser = optionalBoolean(options, 'insecureHTTPParser', undefined)

  const { httpValidation } = options
  if (httpValidation !== undefined) {
    validateOneOf(httpValidation, 'options.httpValidation', ['strict', 'relaxed', 'insecure'])
    if (options.insecureHTTPParser !== undefined) {
      throw new codes.ERR_INVALID_ARG_VALUE(
        'options.httpValidation',
        httpValidation,
        'cannot be used together with options.insecureHTTPParser',
      )
    }
  }
  server.httpValidation = httpValidation
}

function storeTimeouts(server, options) {
  server.requestTimeout = optionalInteger(options, 'requestTimeout', 300_000)
  server.headersTimeout = optionalInteger(
    options,
    'headersTimeout',
    Math.min(60_000, server.requestTimeout),
  )
  if (server.requestTimeout > 0 && server.headersTimeout > server.requestTimeout) {
    throw new codes.ERR_OUT_OF_RANGE('headersTimeout', '<= requestTimeout', options.headersTimeout)
  }
  server.keepAliveTimeout = optionalInteger(options, 'keepAliveTimeout', 5000)
  server.keepAliveTimeoutBuffer = optionalInteger(options, 'keepAliveTimeoutBuffer', 1000)
  server.connectionsCheckingInterval = optionalInteger(
    options,
    'connectionsCheckingInterval',
    30_000,
  )
}

/** Checks `options` in Node's order and stores them on `server`. */
function storeOptions(server, options) {
  server[kIncomingMessage] = options.IncomingMessage || IncomingMessage
  server[kServerResponse] = options.ServerResponse || ServerResponse
  storeParserOptions(server, options)
  storeTimeouts(server, options)
  server.requireHostHeader = optionalBoolean(options, 'requireHostHeader', true)
  server.joinDuplicateHeaders = optionalBoolean(options, 'joinDuplicateHeaders', undefined)
  server.rejectNonStandardBodyWrites = optionalBoolean(
    options,
    'rejectNonStandardBodyWrites',
    false,
  )

  const { shouldUpgradeCallback } = options
  if (shouldUpgradeCallback !== undefined) {
    validateFunction(shouldUpgradeCallback, 'options.shouldUpgradeCallback')
  }
  server.shouldUpgradeCallback = shouldUpgradeCallback ?? defaults.shouldUpgradeCallback
}

module.exports = { storeOptions, upgradeWhenListened: defaults.shouldUpgradeCallback }
