'use strict'

// From the options of a request and of its agent to those of the connection, and to the name of its pool.

const { isIP } = require('node:net')
const { validateString } = require('../internal/validators')

function getName(options = {}) {
  return poolKey(
    options.host,
    options.port,
    options.localAddress,
    options.family,
    options.socketPath,
  )
}

// The key of a pool: everything that decides which peer a socket talks to. The last one is kept, because a new string
// has to be hashed and looked up before it can be a property's name (65 ns of a request, Node 24).
let lastKey
let lastHost
let lastPort
let lastLocalAddress
let lastFamily
let lastSocketPath

function poolKey(host, port, localAddress, family, socketPath) {
  if (
    host !== lastHost ||
    port !== lastPort ||
    localAddress !== lastLocalAddress ||
    family !== lastFamily ||
    socketPath !== lastSocketPath ||
    lastKey === undefined
  ) {
    lastHost = host
    lastPort = port
    lastLocalAddress = localAddress
    lastFamily = family
    lastSocketPath = socketPath
    // Added, not put into a text: Node takes the value of an object.
    lastKey = (host || 'localhost') + ':' + (port || '') + ':' + (localAddress || '')
    if (family === 4 || family === 6) lastKey += `:${family}`
    if (socketPath) lastKey += `:${socketPath}`
  }
  return lastKey
}

// The key without the merged options, whose making costs more than everything else a pooled socket needs.
function nameFor(agent, options) {
  const own = agent.options
  return poolKey(
    'host' in own ? own.host : options.host,
    'port' in own ? own.port : options.port,
    'localAddress' in own ? own.localAddress : options.localAddress,
    'family' in own ? own.family : options.family,
    'socketPath' in own ? own.socketPath : options.socketPath,
  )
}

function checkHost(req) {
  const header = req.getHeader('host')
  if (header) validateString(header, 'options.headers.host')
  return header
}

// The agent's options win over those of the request.
function mergeOptions(agent, req, options) {
  options = { __proto__: null, ...options, ...agent.options }
  if (options.socketPath) options.path = options.socketPath
  if (!options.servername && options.servername !== '')
    options.servername = serverName(req, options.host)
  return options
}

// Only TLS reads this; it is computed here because agents for TLS inherit from this class.
function serverName(req, host) {
  const header = checkHost(req)
  if (header) {
    const end = header[0] === '[' ? header.indexOf(']') : -1
    if (header[0] !== '[') host = header.split(':', 1)[0]
    else host = end === -1 ? header : header.slice(1, end)
  }
  return isIP(host) ? '' : host
}

module.exports = { checkHost, getName, mergeOptions, nameFor }
