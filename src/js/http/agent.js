'use strict'

// The connection pool. It knows sockets and requests, nothing of HTTP bytes: what arrives on a pooled
// socket is watched by the reader which is kept on each connection.

const EventEmitter = require('node:events')
const { AsyncResource } = require('node:async_hooks')
const { Agent: NodeAgent, globalAgent: nodeGlobalAgent, IncomingMessage } = require('node:http')
const net = require('../net')
const { kAsyncId, kHandle } = require('../internal/symbols')
const { validateNumber, validateOneOf } = require('../internal/validators')
const { checkHost, getName, mergeOptions, nameFor } = require('./agent-options')
const { join, onNewListener } = require('./agent-sockets')
const { proxyFor, readProxyEnv } = require('./client-proxy')
const { guard, hasPendingRead, isStale, unguard } = require('./agent-idle')
const { pool, unpool } = require('./following')

const kOptions = Symbol('kOptions') // on a queued request: what to connect with
const kScope = Symbol('kScope') // on a queued request: the async context it was made in

const scopeOptions = { requireManualDestroy: true }

function Agent(options) {
  if (!(this instanceof Agent)) return new Agent(options)
  EventEmitter.call(this)

  // Not a literal with a null prototype: V8 makes that a hash table, and each request reads these.
  options = Object.setPrototypeOf({ ...options }, null)
  this.options = options
  this.defaultPort = options.defaultPort || 80
  this.protocol = options.protocol || 'http:'
  if (options.noDelay === undefined) options.noDelay = true
  // A request's path must not be taken for the path of a local socket.
  options.path = null

  this.requests = { __proto__: null }
  this.sockets = { __proto__: null }
  this.freeSockets = { __proto__: null }
  this.keepAliveMsecs = options.keepAliveMsecs || 1000
  this.keepAlive = options.keepAlive || false
  this.maxSockets = options.maxSockets || Agent.defaultMaxSockets
  this.maxFreeSockets = options.maxFreeSockets || 256
  this.scheduling = options.scheduling || 'lifo'
  this.maxTotalSockets = options.maxTotalSockets
  this.totalSocketCount = 0

  const buffer = options.agentKeepAliveTimeoutBuffer
  this.agentKeepAliveTimeoutBuffer = Number.isFinite(buffer) && buffer >= 0 ? buffer : 1000

  readProxyEnv(this, options.proxyEnv)
  validateOneOf(this.scheduling, 'scheduling', ['fifo', 'lifo'])
  if (this.maxTotalSockets === undefined) this.maxTotalSockets = Infinity
  else validateNumber(this.maxTotalSockets, 'maxTotalSockets', 1)

  this.on('free', onFree)
  this.on('newListener', onNewListener)
}
Object.setPrototypeOf(Agent.prototype, EventEmitter.prototype)
Object.setPrototypeOf(Agent, EventEmitter)

Agent.defaultMaxSockets = Infinity

// In Node the agents of https are instances of http.Agent too; theirs come from Node's own class.
Object.defineProperty(Agent, Symbol.hasInstance, {
  value(agent) {
    const { [Symbol.hasInstance]: isInstance } = Function.prototype
    return isInstance.call(this, agent) || (this === Agent && agent instanceof NodeAgent)
  },
})

Agent.prototype.createConnection = function createConnection(...args) {
  const options = typeof args[0] === 'object' && args[0] !== null ? args[0] : {}
  const proxy = proxyFor(this, options)
  if (proxy === undefined) return net.createConnection(...args)
  const callback = typeof args.at(-1) === 'function' ? args.at(-1) : undefined
  const { connect } = proxy.protocol === 'https:' ? require('node:tls') : net
  return connect({ ...proxy.proxyConnectionOptions }, callback)
}

Agent.prototype.getName = getName

Agent.prototype.addRequest = function addRequest(req, options, port, localAddress) {
  // Old form: addRequest(req, host, port, localAddress).
  if (typeof options === 'string') options = { __proto__: null, host: options, port, localAddress }

  // An own getName() may look at any option.
  const all = this.getName === getName ? null : mergeOptions(this, req, options)
  const name = all === null ? nameFor(this, options) : this.getName(all)
  // It may throw, so before anything is taken.
  if (all === null) checkHost(req)
  const active = (this.sockets[name] ||= [])
  const socket = takeFree(this, name)

  if (socket !== undefined) {
    const { highWaterMark } = 'highWaterMark' in this.options ? this.options : options
    if (highWaterMark != null && socket.writableHighWaterMark !== highWaterMark) {
      socket._writableState.highWaterMark = highWaterMark
    }
    resetAsyncScope(socket)
    this.reuseSocket(socket, req)
    assign(this, req, socket)
    active.push(socket)
    return
  }

  const free = this.freeSockets[name]
  const count = active.length + (free ? free.length : 0)
  if (count < this.maxSockets && this.totalSocketCount < this.maxTotalSockets) {
    // Who has a createSocket() of their own gets to see what comes in; the class's would only merge a second time.
    const create = this.createSocket === createSocket ? connectWith : createSocketOf
    create(this, req, all ?? mergeOptions(this, req, options), (err, created) => {
      if (err) failRequest(req, created, err)
      else assign(this, req, created)
    })
    return
  }

  req[kOptions] = all ?? options
  req[kScope] = new AsyncResource('QueuedRequest', scopeOptions)
  ;(this.requests[name] ||= []).push(req)
}

// A socket from the pool which is known to be alive, or undefined.
function takeFree(agent, name) {
  const free = agent.freeSockets[name]
  if (free === undefined) return undefined
  let socket
  while (free.length > 0) {
    socket = agent.scheduling === 'fifo' ? free.shift() : free.pop()
    if (!isStale(socket) && !hasPendingRead(socket)) break
    // The peer has closed it or spoken out of turn; 'close' brings the pool's counters in order.
    socket.destroy()
    socket = undefined
  }
  if (free.length === 0) delete agent.freeSockets[name]
  return socket
}

function assign(agent, req, socket) {
  req.onSocket(socket)
  const agentTimeout = agent.options.timeout || 0
  if (req.timeout === undefined || req.timeout === agentTimeout) return
  socket.setTimeout(req.timeout)
}

function failRequest(req, socket, err) {
  if (err.code === 'ERR_PROXY_TUNNEL') {
    if (err.proxyTunnelTimeout) req.emit('timeout')
    req.emit('error', err)
  }
  req.onSocket(socket, err)
}

// A pooled connection goes on in the async context of the request that reuses it.
function resetAsyncScope(socket) {
  const handle = socket[kHandle] ?? socket._handle
  if (handle && typeof handle.asyncReset === 'function') {
    handle.asyncReset({ type: handle.getProviderType?.(), handle })
    socket[kAsyncId] = handle.getAsyncId()
  }
}

Agent.prototype.createSocket = function createSocket(req, options, callback) {
  connectWith(this, req, mergeOptions(this, req, options), callback)
}

// `options` are merged already, and may be changed.
function connectWith(agent, req, options, callback) {
  const timeout = req.timeout || agent.options.timeout || undefined
  if (timeout) options.timeout = timeout

  const name = agent.getName(options)
  options._agentKey = name
  options.encoding = null
  if (agent.keepAlive) {
    options.keepAlive = agent.keepAlive
    options.keepAliveInitialDelay = agent.keepAliveMsecs
  }

  // createConnection may return the socket, call back with it, or both.
  let created = false
  const onCreate = (err, socket) => {
    if (created) return
    created = true
    if (err) {
      callback(err)
      return
    }
    ;(agent.sockets[name] ||= []).push(socket)
    agent.totalSocketCount++
    join(agent, socket, options)
    callback(null, socket)
  }
  const socket = agent.createConnection(options, onCreate)
  if (socket) onCreate(null, socket)
}

const { createSocket } = Agent.prototype

function createSocketOf(agent, req, options, callback) {
  agent.createSocket(req, options, callback)
}

// 'free' on the agent: hand the socket to who waits, else pool it, else close it.
function onFree(socket, options) {
  const name = this.getName(options)
  if (!socket.writable) {
    socket.destroy()
    return
  }

  const queue = this.requests[name]
  if (queue && queue.length > 0) {
    if (hasPendingRead(socket)) {
      // Its 'close' makes another one for who waits.
      socket.destroy()
      return
    }
    const req = queue.shift()
    if (queue.length === 0) delete this.requests[name]
    const scope = req[kScope]
    req[kScope] = null
    if (scope) {
      scope.runInAsyncScope(resumeQueued, null, this, req, socket)
      scope.emitDestroy()
    } else {
      assign(this, req, socket)
    }
    return
  }

  const req = socket._httpMessage
  if (!req || !req.shouldKeepAlive || !this.keepAlive) {
    socket.destroy()
    return
  }

  const free = this.freeSockets[name] || []
  const active = this.sockets[name]
  if (
    this.totalSocketCount > this.maxTotalSockets ||
    free.length + (active ? active.length : 0) > this.maxSockets ||
    free.length >= this.maxFreeSockets ||
    !this.keepSocketAlive(socket)
  ) {
    socket.destroy()
    return
  }

  this.freeSockets[name] = free
  socket._httpMessage = null
  socket[kAsyncId] = -1
  this.removeSocket(socket, options)
  pool(socket)
  guard(socket)
  free.push(socket)
}

function resumeQueued(agent, req, socket) {
  resetAsyncScope(socket)
  assign(agent, req, socket)
}

Agent.prototype.removeSocket = function removeSocket(socket, options) {
  const name = this.getName(options)
  removeFrom(this.sockets, name, socket)
  if (!socket.writable) removeFrom(this.freeSockets, name, socket)

  let req = this.requests[name]?.[0]
  if (req === undefined) {
    // Another peer's queue may have waited for room under maxTotalSockets.
    for (const other in this.requests) {
      if (this.sockets[other]?.length) break
      req = this.requests[other][0]
      options = req[kOptions]
      break
    }
  }
  if (req === undefined || !options) return

  req[kOptions] = undefined
  this.createSocket(req, options, (err, created) => {
    if (err) failRequest(req, null, err)
    else created.emit('free')
  })
}

function removeFrom(pools, name, socket) {
  const pool = pools[name]
  if (pool === undefined) return
  const index = pool.indexOf(socket)
  if (index === -1) return
  pool.splice(index, 1)
  if (pool.length === 0) delete pools[name]
}

Agent.prototype.keepSocketAlive = function keepSocketAlive(socket) {
  socket.setKeepAlive(true, this.keepAliveMsecs)
  socket.unref()

  let timeout = this.options.timeout || 0
  const hint = keepAliveField(socket._httpMessage?.res)
  const seconds = hint ? /^timeout=(\d+)/.exec(hint)?.[1] : undefined
  if (seconds) {
    // Closing before the server does avoids sending a request into its FIN.
    const announced = Number.parseInt(seconds, 10) * 1000 - this.agentKeepAliveTimeoutBuffer
    if (announced <= 0) return keepFor(socket, timeout, false)
    if (announced < timeout) timeout = announced
  }
  return keepFor(socket, timeout, true)
}

// Reading `headers` would parse them all for each response that nobody reads them of.
function keepAliveField(res) {
  if (!(res instanceof IncomingMessage)) return res?.headers['keep-alive']
  const { rawHeaders } = res
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]
    if (name.length === 10 && name.toLowerCase() === 'keep-alive') return rawHeaders[i + 1]
  }
  return undefined
}

function keepFor(socket, timeout, keep) {
  if (socket.timeout !== timeout) socket.setTimeout(timeout)
  return keep
}

Agent.prototype.reuseSocket = function reuseSocket(socket, req) {
  unpool(socket)
  unguard(socket)
  req.reusedSocket = true
  socket.ref()
}

Agent.prototype.destroy = function destroy() {
  for (const pools of [this.freeSockets, this.sockets]) {
    for (const name of Object.keys(pools)) {
      // 'close' may take sockets out of this very array
      for (const socket of pools[name].slice()) socket.destroy()
    }
  }
}

module.exports = {
  Agent,
  // Replaced by `http.globalAgent = ...`; the client reads it here at each request.
  // Its options are those of this Node's own; they carry what --use-env-proxy asks for.
  globalAgent: new Agent(nodeGlobalAgent.options),
}
