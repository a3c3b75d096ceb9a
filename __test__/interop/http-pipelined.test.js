'use strict'

// Requests that come in one read, and responses that wait for each other: what leaves, and who is told of what in which order.

const diagnostics = require('node:diagnostics_channel')
const { setTimeout: delay } = require('node:timers/promises')
const { scenario } = require('../common/harness')
const { event } = require('../common/tools')

const tcp = { over: ['tcp'] }
const COUNT = 8

const BODIES = [
  (res, id) => res.end(`text ${id}`),
  (res, id) => res.end(Buffer.from(`bytes ${id}`)),
  (res) => res.end(),
  (res, id) => {
    res.write('in ')
    res.write(Buffer.from('several '))
    res.end(`parts ${id}`)
  },
  (res, id) => {
    res.writeHead(201, { 'Content-Length': 7, 'X-Id': id })
    res.end(`grün ${id}`.slice(0, 6))
  },
  (res) => {
    res.statusCode = 304
    res.end()
  },
]

// What a handler does with the response of a request, by its number.
const HANDLERS = {
  'all at once': (res, id) => BODIES[id % BODIES.length](res, id),
  'in the next tick': (res, id) => process.nextTick(() => BODIES[id % BODIES.length](res, id)),
  'after a promise': async (res, id) => {
    await null
    BODIES[id % BODIES.length](res, id)
  },
  'one late': (res, id) => {
    if (id === 3) setTimeout(() => res.end('late'), 20)
    else res.end(`text ${id}`)
  },
  'the first late': (res, id) => {
    if (id === 0) setTimeout(() => res.end('late'), 20)
    else res.end(`text ${id}`)
  },
  'the last first': (res, id, waiting) => {
    waiting.push(() => res.end(`text ${id}`))
    if (waiting.length === COUNT) for (const end of waiting.reverse()) end()
  },
  large: (res, id) => res.end('x'.repeat(id % 2 ? 100 : 12_000)),
  'one closes': (res, id) => {
    if (id === 4) res.setHeader('Connection', 'close')
    res.end(`text ${id}`)
  },
  'one never ends': (res, id) => {
    if (id === 5) res.write('begun')
    else res.end(`text ${id}`)
  },
  'one destroys its socket': (res, id) => {
    if (id === 3) res.req.socket.destroy()
    else res.end(`text ${id}`)
  },
  'a listener destroys the socket': (res, id) => {
    if (id === 3) res.on('finish', () => res.req.socket.destroy())
    res.end(`text ${id}`)
  },
  'a listener of the first destroys the socket': (res, id) => {
    if (id === 1) res.on('prefinish', () => res.socket.destroy())
    res.end(`text ${id}`)
  },
  'a callback destroys the socket': (res, id) => {
    res.end(`text ${id}`, id === 2 ? () => res.req.socket.destroy() : undefined)
  },
  'one is destroyed': (res, id) => {
    res.end(`text ${id}`)
    if (id === 4) res.destroy()
  },
  'one is corked': (res, id) => {
    if (id === 2) res.cork()
    res.write('a')
    res.end(`text ${id}`)
  },
  'a callback of a write destroys the socket': (res, id) => {
    res.write('a', id === 2 ? () => res.req.socket.destroy() : undefined)
    res.end(`text ${id}`)
  },
}

const request = (id) => `GET /${id} HTTP/1.1\r\nHost: a\r\n\r\n`

for (const [title, handle] of Object.entries(HANDLERS)) {
  for (const watched of [true, false]) {
    const name = `pipelined responses, ${title}${watched ? ', watched' : ''}`
    scenario(name, tcp, async (run) => {
      const { server, client } = run
      const waiting = []
      let peer
      const listener = server.http.createServer((req, res) => {
        peer = req.socket
        const id = Number(req.url.slice(1))
        server.log('request', id)
        if (watched) server.log.watch(`response ${id}`, res, ['prefinish', 'finish', 'close'])
        handle(res, id, waiting)
        server.log('ended', id, res.writableEnded, res.headersSent, res.writableLength)
      })
      const target = await run.listen(listener)
      const socket = client.net.connect(target)
      let text = ''
      socket.on('data', (chunk) => (text += chunk.latin1Slice()))
      socket.on('error', () => {})
      await event(socket, 'connect')
      socket.write(Array.from({ length: COUNT }, (_, id) => request(id)).join(''))
      const over = new Promise((resolve) => socket.once('close', resolve))
      await Promise.race([over, delay(60)])
      server.log('written', peer.bytesWritten)
      socket.destroy()
      client.log(text.replace(/Date: .*/g, 'Date'))
      listener.closeAllConnections()
      await run.close(listener)
    })
  }
}

scenario('pipelined responses, counted by a subscriber', tcp, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((req, res) => res.end(`text ${req.url}`))
  const count = ({ request, server: from, socket }) => {
    if (from === listener) server.log('finished', request.url, socket.bytesWritten)
  }
  diagnostics.subscribe('http.server.response.finish', count)
  const target = await run.listen(listener)
  const socket = client.net.connect(target)
  let text = ''
  socket.on('data', (chunk) => (text += chunk.latin1Slice()))
  await event(socket, 'connect')
  socket.write(Array.from({ length: COUNT }, (_, id) => request(id)).join(''))
  while (!text.endsWith(`text /${COUNT - 1}`)) await event(socket, 'data')
  diagnostics.unsubscribe('http.server.response.finish', count)
  client.log(text.replace(/Date: .*/g, 'Date'))
  socket.destroy()
  await run.close(listener)
})

scenario('pipelined responses to a peer that reads late', tcp, async (run) => {
  const { server, client } = run
  const body = 'x'.repeat(3000)
  let count = 0
  const listener = server.http.createServer((req, res) => {
    res.end(body)
    res.on('close', () => count++)
  })
  const target = await run.listen(listener)
  const socket = client.net.connect(target)
  await event(socket, 'connect')
  socket.pause()
  const all = 4000
  for (let id = 0; id < all; id += 16) {
    socket.write(Array.from({ length: 16 }, (_, i) => request(id + i)).join(''))
  }
  await delay(100)
  let bodies = 0
  socket.on('data', (chunk) => {
    for (const byte of chunk) if (byte === 0x78) bodies++
    if (bodies === all * body.length) socket.end()
  })
  socket.resume()
  await event(socket, 'close')
  server.log('closed', count === all)
  client.log('bodies', bodies === all * body.length)
  await run.close(listener)
})
