'use strict'

// The http module: Node's own message classes, our server, client and agent.

const process = require('node:process')
const nodeHttp = require('node:http')
const { validateObject } = require('../internal/validators')
const agent = require('./agent')
const { ClientRequest, get, request } = require('./client')
const { Server, _connectionListener, createServer } = require('./server')

const { Agent } = agent
const { IncomingMessage, OutgoingMessage, STATUS_CODES, ServerResponse } = nodeHttp
const { validateHeaderName, validateHeaderValue } = nodeHttp
// Codecs live in their connections, there is no pool of them; the built-in one may still be in use beside us.
const { setMaxIdleHTTPParsers } = nodeHttp
// QUERY came with Node 22.2; the codec knows it on every Node.
const METHODS = [...new Set([...nodeHttp.METHODS, 'QUERY'])].sort()

function setGlobalProxyFromEnv(env = process.env) {
  validateObject(env, 'proxyEnv')
  // Node's own sets what `fetch` uses; the requests of this module go through the agent of this module.
  const restoreBuiltIn = nodeHttp.setGlobalProxyFromEnv?.(env)
  const before = agent.globalAgent
  if (env.http_proxy || env.HTTP_PROXY) {
    agent.globalAgent = new Agent({
      keepAlive: true,
      scheduling: 'lifo',
      timeout: 5000,
      proxyEnv: env,
    })
  }
  return function restore() {
    restoreBuiltIn?.()
    agent.globalAgent = before
  }
}

module.exports = {
  _connectionListener,
  METHODS,
  STATUS_CODES,
  Agent,
  ClientRequest,
  IncomingMessage,
  OutgoingMessage,
  Server,
  ServerResponse,
  createServer,
  validateHeaderName,
  validateHeaderValue,
  get,
  request,
  setMaxIdleHTTPParsers,
  setGlobalProxyFromEnv,
}

// Newer than Node 24, and of no connection.
const NEWER = ['isValidHeaderName', 'isValidHeaderValue', 'websocketMask', 'websocketUnmask']
for (const name of NEWER) if (name in nodeHttp) module.exports[name] = nodeHttp[name]

function accessor(name, functions) {
  const descriptor = { configurable: true, enumerable: true, ...functions }
  Object.defineProperty(module.exports, name, descriptor)
}

accessor('maxHeaderSize', {
  get() {
    return nodeHttp.maxHeaderSize
  },
})
accessor('globalAgent', {
  get() {
    return agent.globalAgent
  },
  set(value) {
    agent.globalAgent = value
  },
})
// Globals of Node since 22, 23 and 15; older ones have them nowhere.
for (const name of ['WebSocket', 'CloseEvent', 'MessageEvent']) {
  accessor(name, {
    get() {
      return nodeHttp[name] ?? globalThis[name]
    },
  })
}

// For `import { globalAgent }`: Node reads the names of a CommonJS module off its text.
// oxlint-disable-next-line no-unused-expressions, no-constant-binary-expression
0 &&
  (module.exports = {
    maxHeaderSize,
    globalAgent,
    WebSocket,
    CloseEvent,
    MessageEvent,
    isValidHeaderName,
  })
// oxlint-disable-next-line no-unused-expressions, no-constant-binary-expression
0 && (module.exports = { isValidHeaderValue, websocketMask, websocketUnmask })
