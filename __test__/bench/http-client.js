'use strict'

// node http-client.js SIDE get|post|large|new PORT CONNECTIONS SECONDS     requests to the peer, each connection one at a time
// SIDE: also `undici` and `dispatch`, its bare way; undici is then found from the working directory.
// Prints { count, seconds, cpu }: the messages, and the microseconds of processor time of this process for each.

const { createRequire } = require('node:module')
const path = require('node:path')
const { sides } = require('./sides')

const [side, mode, port, connections, seconds] = process.argv.slice(2)
// What runs before that is compilation and connecting.
const WARMUP_MS = 400

const PAYLOAD = Buffer.alloc(1024, 'x')
const MODES = {
  get: { method: 'GET', path: '/hello', length: 6 },
  post: { method: 'POST', path: '/hello', length: 4 },
  large: { method: 'GET', path: '/large', length: 1024 * 1024 },
  new: { method: 'GET', path: '/hello', length: 6 },
}
const { method, path: target, length } = MODES[mode]
const body = method === 'POST' ? PAYLOAD : undefined

let count = 0
let next

function fail(error) {
  console.error(error)
  process.exit(1)
}

function done(status, bytes) {
  if (status !== 200 || bytes !== length) fail(new Error(`status ${status}, ${bytes} bytes`))
  count++
  next()
}

function http() {
  const { Agent, request } = sides[side].load('http')
  // An agent with a limit would hand the connection to who waits, whether it keeps it otherwise or not.
  const isKept = mode !== 'new'
  const agent = new Agent(isKept ? { keepAlive: true, maxSockets: Number(connections) } : {})
  const options = { host: '127.0.0.1', port, method, path: target, agent }
  return () => {
    const req = request(options, (res) => {
      let bytes = 0
      res.on('data', (chunk) => (bytes += chunk.length))
      res.on('end', () => done(res.statusCode, bytes))
    })
    req.on('error', fail)
    req.end(body)
  }
}

function pool() {
  const { Pool } = createRequire(path.join(process.cwd(), 'x.js'))('undici')
  return new Pool(`http://127.0.0.1:${port}`, { connections: Number(connections), pipelining: 1 })
}

function undici() {
  const options = { method, path: target, body, reset: mode === 'new' }
  const client = pool()
  return async () => {
    try {
      const { statusCode, body: answer } = await client.request(options)
      let bytes = 0
      answer.on('data', (chunk) => (bytes += chunk.length))
      answer.on('end', () => done(statusCode, bytes))
    } catch (error) {
      fail(error)
    }
  }
}

function dispatch() {
  const client = pool()
  const options = { method, path: target, body, reset: mode === 'new' }
  class Handler {
    bytes = 0
    status = 0
    onRequestStart() {}
    onResponseStart(controller, status) {
      this.status = status
    }
    onResponseData(controller, chunk) {
      this.bytes += chunk.length
    }
    onResponseEnd() {
      done(this.status, this.bytes)
    }
    onResponseError(controller, error) {
      fail(error)
    }
  }
  return () => client.dispatch(options, new Handler())
}

next = ({ undici, dispatch }[side] ?? http)()
for (let i = 0; i < connections; i++) next()

setTimeout(() => {
  const [began, before, cpu] = [performance.now(), count, process.cpuUsage()]
  setTimeout(() => {
    const { user, system } = process.cpuUsage(cpu)
    const spent = (performance.now() - began) / 1000
    const messages = count - before
    console.log(
      JSON.stringify({ count: messages, seconds: spent, cpu: (user + system) / messages }),
    )
    process.exit()
  }, seconds * 1000)
}, WARMUP_MS)
