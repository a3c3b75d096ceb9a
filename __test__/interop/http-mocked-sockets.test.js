'use strict'

// Sockets without a connection, as libraries that mock requests make them, and responses whose listener throws: what
// node:http does with them, ferrowire/http does.

const assert = require('node:assert/strict')
const builtIn = { http: require('node:http'), net: require('node:net') }
const ferrowire = { http: require('ferrowire/http'), net: require('ferrowire/net') }
const { once } = require('node:events')
const { test } = require('node:test')
const { setTimeout: sleep } = require('node:timers/promises')

const skip = process.env.FERROWIRE_POISON ? 'the reference is poisoned' : false
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

// Answers by push(), without a handle.
function pushing({ net }, connecting) {
  class Mock extends net.Socket {
    constructor() {
      super()
      this.connecting = connecting
      if (connecting) setImmediate(() => this.connected())
    }
    connected() {
      this.connecting = false
      this.emit('connect')
      this.emit('ready')
    }
    _write(chunk, encoding, done) {
      setImmediate(() => this.push(ANSWER))
      done()
    }
    _writev(chunks, done) {
      this._write(null, null, done)
    }
    _final(done) {
      done()
    }
  }
  return () => new Mock()
}

// A handle whose connect() says at once that all is well.
function connectingAtOnce({ net }) {
  return () => {
    const socket = new net.Socket()
    socket._write = (chunk, encoding, done) => {
      setImmediate(() => socket.push(ANSWER))
      done()
    }
    socket._writev = (chunks, done) => socket._write(null, null, done)
    const { _final } = socket
    socket._final = (done) => (socket.destroyed ? _final.call(socket, done) : done())
    socket.connect(1, '127.0.0.1')
    socket._handle.readStart = () => 0
    socket._handle.connect = (request, address, port) => {
      assert.deepEqual(
        [request.address, request.port, address, port],
        ['127.0.0.1', 1, '127.0.0.1', 1],
      )
      process.nextTick(() => request.oncomplete(0, socket._handle, request, true, true))
      return 0
    }
    return socket
  }
}

const MOCKS = {
  'pushes, connected': (modules) => pushing(modules, false),
  'pushes, connecting': (modules) => pushing(modules, true),
  'replaced connect()': connectingAtOnce,
}

async function logOf(modules, mock) {
  const log = []
  const request = modules.http.get({ host: 'mocked.test', createConnection: mock(modules) })
  request.on('error', (error) => log.push(['error', error.message]))
  const [response] = await Promise.race([once(request, 'response'), sleep(2000, [])])
  if (response === undefined) return [...log, 'no answer']
  log.push(response.statusCode)
  for await (const chunk of response) log.push(String(chunk))
  return log
}

for (const [name, mock] of Object.entries(MOCKS)) {
  test(`a mocked socket: ${name}`, { skip, timeout: 10000 }, async () => {
    assert.deepEqual(await logOf(ferrowire, mock), await logOf(builtIn, mock))
  })
}

// Stands before another socket, with its handle: what comes of the bytes goes through its hands.
function standIn({ net }, real, log) {
  const socket = new net.Socket()
  socket.connecting = real.connecting
  socket._handle = real._handle
  real.once('connect', () => {
    socket.connecting = false
    socket.emit('connect')
  })
  real.on('data', (chunk) => {
    log.push(['stand-in', String(chunk).split('\r\n', 1)[0]])
    socket.push(chunk)
  })
  real.on('end', () => socket.push(null))
  real.on('close', () => socket.destroy())
  socket._write = (chunk, encoding, done) => real.write(chunk, encoding, done)
  socket._writev = null
  socket._final = (done) => real.end(done)
  return socket
}

async function logOfStandIns({ http, net }) {
  const log = []
  const server = builtIn.http.createServer((req, res) => res.end(req.url))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  const createConnection = () => standIn({ net }, net.connect(port, '127.0.0.1'), log)
  const [response] = await once(http.get({ path: '/there', createConnection }), 'response')
  for await (const chunk of response) log.push(String(chunk))
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  return log
}

test('a stand-in with the handle of another socket', { skip, timeout: 10000 }, async () => {
  assert.deepEqual(await logOfStandIns(ferrowire), await logOfStandIns(builtIn))
})

const ANSWERS = {
  'ended by the close': 'HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello',
  'with a bad chunk': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
  'with more behind it': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloEXTRA',
}

// Runs `act` with what it throws in listeners among its events.
async function catching(log, act) {
  const others = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => log.push(['uncaught', error.message]))
  try {
    await act()
  } finally {
    process.removeAllListeners('uncaughtException')
    for (const listener of others) process.on('uncaughtException', listener)
  }
}

async function logOfThrow({ http }, answer) {
  const log = []
  const server = builtIn.net.createServer((peer) => {
    peer.on('error', () => {})
    peer.once('data', () => {
      peer.write(answer)
      setTimeout(() => peer.end(), 60)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  await catching(log, async () => {
    const agent = new http.Agent({ keepAlive: true })
    const request = http.get({ port: server.address().port, host: '127.0.0.1', agent })
    request.on('error', ({ code, message }) => log.push(['request error', code, message]))
    request.on('response', (response) => {
      for (const name of ['error', 'aborted', 'end', 'close'])
        response.on(name, () => log.push(name))
      throw new Error('thrown')
    })
    await sleep(30)
    log.push('before the end')
    await sleep(120)
    agent.destroy()
  })
  server.close()
  return log
}

for (const [name, answer] of Object.entries(ANSWERS)) {
  test(`a listener for 'response' throws, answer ${name}`, { skip, timeout: 10000 }, async () => {
    assert.deepEqual(await logOfThrow(ferrowire, answer), await logOfThrow(builtIn, answer))
  })
}
