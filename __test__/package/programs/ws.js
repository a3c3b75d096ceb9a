'use strict'

// The `ws` package, unmodified: server and client, every kind of frame and of end.

const http = require('http')
const net = require('net')
const { once } = require('node:events')
const { pipeline } = require('node:stream/promises')
const { WebSocket, WebSocketServer, createWebSocketStream } = require('ws')
const { HOST, digest, lane, listen, run, until } = require('./program')

// Unlike once(), whatever errors come before.
const closed = (socket) => new Promise((resolve) => socket.on('close', resolve))

const MEBIBYTE = Buffer.alloc(2 ** 20, 'ferrowire ')

function follow(log, socket) {
  socket.on('open', () => log('open', socket.protocol, socket.extensions))
  socket.on('message', (data, isBinary) => log('message', digest(data), isBinary))
  socket.on('ping', (data) => log('ping', String(data)))
  socket.on('pong', (data) => log('pong', String(data)))
  socket.on('close', (code, reason) => log('close', code, String(reason)))
  socket.on('error', ({ message, code }) => log('error', message, code))
  return socket
}

function makeServer() {
  const server = http.createServer((request, response) => response.end(`plain ${request.url}`))
  const sockets = new WebSocketServer({
    server,
    path: '/ws',
    maxPayload: 2 * 2 ** 20,
    perMessageDeflate: { threshold: 1024 },
    handleProtocols: (protocols) => [...protocols][0],
    verifyClient: ({ req }) => req.headers['x-refused'] === undefined,
  })
  sockets.on('connection', (socket, request) => {
    const log = lane(`server of ${request.headers['x-name']}`)
    log('connection', request.url, request.headers.upgrade, typeof request.socket.remotePort)
    follow(log, socket)
    socket.on('message', (data, isBinary) => {
      const text = String(data.subarray(0, 20))
      if (text === 'end') socket.close(4001, 'as asked')
      else if (text === 'terminate') socket.terminate()
      else socket.send(data, { binary: isBinary })
    })
  })
  return { server, sockets }
}

function open(port, name, options = {}) {
  const { headers, protocols = [], ...rest } = options
  const given = { perMessageDeflate: false, ...rest, headers: { 'X-Name': name, ...headers } }
  return follow(lane(name), new WebSocket(`ws://${HOST}:${port}/ws`, protocols, given))
}

async function talk(port, name, options) {
  const socket = open(port, name, { protocols: ['one', 'two'], ...options })
  await once(socket, 'open')
  let echoed = 0
  socket.on('message', () => echoed++)
  for (const data of ['text', 'é€𝄞', Buffer.from([0, 255, 128]), '', MEBIBYTE, String(MEBIBYTE)]) {
    const before = echoed
    socket.send(data)
    await until(() => echoed > before)
  }
  for (const [i, part] of ['in ', 'three ', 'parts'].entries()) socket.send(part, { fin: i === 2 })
  // Both ways at once.
  for (let i = 0; i < 50; i++) socket.send(`message ${i}`)
  await until(() => echoed === 57)
  socket.ping('are you there')
  await once(socket, 'pong')
  return socket
}

async function ends(port) {
  const mine = await talk(port, 'client that closes')
  mine.close(1000, 'enough')
  await closed(mine)

  const deflated = await talk(port, 'client with deflate', { perMessageDeflate: { threshold: 0 } })
  deflated.send('end')
  await closed(deflated)

  const agent = new http.Agent({ keepAlive: true })
  const cut = await talk(port, 'client that is cut off', { agent })
  cut.send('terminate')
  await closed(cut)
  agent.destroy()

  const big = open(port, 'client that says too much')
  await once(big, 'open')
  big.send(Buffer.alloc(3 * 2 ** 20))
  await closed(big)

  const refused = open(port, 'client that is refused', { headers: { 'X-Refused': 'yes' } })
  await closed(refused)

  const given = open(port, 'client that gives up')
  given.terminate()
  await closed(given)
}

// What is no client of ws.
async function strangers(port) {
  const log = lane('strangers')
  for (const path of ['/plain', '/ws']) {
    const [response] = await once(http.get({ port, host: HOST, path, agent: false }), 'response')
    log(path, response.statusCode, String(Buffer.concat(await response.toArray())))
  }
  const handshake = `GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n`
  const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n'
  const frames = {
    'a masked text at once': [0x81, 0x82, 1, 2, 3, 4, 0x69, 0x6b, 0x88, 0x80, 0, 0, 0, 0],
    'an unmasked frame': [0x81, 0x02, 0x68, 0x69],
    'a reserved opcode': [0x83, 0x80, 0, 0, 0, 0],
    nothing: [],
  }
  for (const [name, bytes] of Object.entries(frames)) {
    const raw = net.connect(port, HOST)
    // With the handshake in one piece: these bytes are the left-over of the upgrade.
    raw.write(
      Buffer.concat([Buffer.from(`${handshake}X-Name: ${name}\r\n${key}\r\n`), Buffer.from(bytes)]),
    )
    const got = []
    raw.on('data', (chunk) => {
      got.push(chunk)
      if (name === 'nothing') raw.end()
    })
    raw.on('error', ({ code }) => log(name, code))
    await once(raw, 'close')
    log(name, Buffer.concat(got).toString('latin1'))
  }
}

// A server that decides by itself, and streams.
async function byHand() {
  const log = lane('by hand')
  const server = http.createServer()
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', (request, socket, head) => {
    log('upgrade', request.url, head.length)
    if (request.url !== '/stream') {
      socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')
      return
    }
    sockets.handleUpgrade(request, socket, head, async (client) => {
      const stream = createWebSocketStream(client)
      await pipeline(stream, stream).catch(({ code }) => log('pipeline', code))
    })
  })
  const port = await listen(server, 'second port')
  const client = new WebSocket(`ws://${HOST}:${port}/stream`)
  const stream = createWebSocketStream(client)
  const parts = []
  let length = 0
  stream.on('data', (part) => {
    parts.push(part)
    length += part.length
  })
  for (let i = 0; i < 4; i++) stream.write(MEBIBYTE)
  await until(() => length === 4 * MEBIBYTE.length)
  stream.end()
  await once(stream, 'close')
  log('streamed', digest(Buffer.concat(parts)))
  const lost = follow(log, new WebSocket(`ws://${HOST}:${port}/elsewhere`))
  await closed(lost)
  server.close()
  await once(server, 'close')
}

run(async () => {
  const { server, sockets } = makeServer()
  const port = await listen(server)
  await ends(port)
  await strangers(port)
  sockets.close()
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
  await byHand()
})
