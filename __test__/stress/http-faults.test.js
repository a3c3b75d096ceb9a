'use strict'

// Bad peers of an HTTP server in numbers, and servers in several threads.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const path = require('node:path')
const { Worker } = require('node:worker_threads')
const { http, net } = require('ferrowire')
const { assertNoDescriptors, delay, descriptors, settledMemory, stress } = require('./common')

const HOST = '127.0.0.1'

async function listen(options, handler) {
  const server = http.createServer(options, handler).listen({ port: 0, host: HOST, backlog: 4096 })
  await once(server, 'listening')
  return server
}

async function close(server) {
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
}

const connect = (server) => net.connect(server.address().port, HOST).on('error', () => {})

async function get(server) {
  const request = http.get({ port: server.address().port, host: HOST, agent: false })
  const [response] = await once(request, 'response')
  let text = ''
  for await (const chunk of response.setEncoding('latin1')) text += chunk
  return text
}

stress('1,000 half-sent heads are dropped in time', async () => {
  const HEADERS = 1000
  const INTERVAL = 200
  const options = {
    headersTimeout: HEADERS,
    requestTimeout: 0,
    connectionsCheckingInterval: INTERVAL,
  }
  const server = await listen(options, (request, response) => response.end('fine'))
  await get(server)
  const before = descriptors()
  const ages = []
  server.on('connection', (socket) => {
    const began = performance.now()
    socket.on('close', () => ages.push(performance.now() - began))
  })
  const answers = await Promise.all(
    Array.from({ length: 1000 }, async () => {
      const socket = connect(server)
      let text = ''
      socket.setEncoding('latin1').on('data', (piece) => (text += piece))
      socket.write('GET / HTTP/1.1\r\nHost: x\r\nX-')
      await once(socket, 'close')
      return text
    }),
  )
  assert.deepEqual(
    [...new Set(answers)],
    ['HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n'],
  )
  await delay(50)
  assert.equal(ages.length, 1000)
  // The sweep itself takes its time on a busy machine.
  const slack = 150
  assert.ok(Math.min(...ages) >= HEADERS - 1, `${Math.min(...ages)} ms`)
  assert.ok(Math.max(...ages) <= HEADERS + INTERVAL + slack, `${Math.max(...ages)} ms`)
  assert.equal(await get(server), 'fine')
  await assertNoDescriptors(before)
  await close(server)
})

stress('clients that vanish leave nothing behind', async () => {
  const server = await listen({}, (request, response) => {
    request.on('error', () => {})
    response.on('error', () => {})
    if (request.url === '/big') response.write(Buffer.alloc(1 << 20))
    else response.end('fine')
  })
  const starts = [
    'GET /big HTTP/1.1\r\nHost: x\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nbody',
    'POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nbody',
    'GET / HT',
    'GET / HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(16),
  ]
  const round = async (count) => {
    for (let i = 0; i < count; i += 50) {
      await Promise.all(
        Array.from({ length: 50 }, async (_, lane) => {
          const socket = connect(server)
          socket.write(starts[lane % starts.length])
          await once(socket, 'connect')
          if (lane % 3 === 0) await delay(1)
          if (lane % 2 === 0) socket.destroy()
          else socket.resetAndDestroy()
          await once(socket, 'close')
        }),
      )
    }
    for (let i = 0; i < 200 && server._connections > 0; i++) await delay(20)
    assert.equal(server._connections, 0)
  }
  await round(1000)
  const before = descriptors()
  const memory = await settledMemory()
  await round(10_000)
  await assertNoDescriptors(before)
  // Not the resident memory: what the allocator makes of so many large buffers differs by 70 MiB, with node:http as well.
  const { heap } = await settledMemory()
  assert.ok(heap - memory.heap < 2, `${(heap - memory.heap).toFixed(1)} MiB more`)
  assert.equal(await get(server), 'fine')
  await close(server)
})

stress('a client that never reads 256 MiB', async () => {
  const body = Buffer.alloc(256 << 20, 'x')
  const server = await listen({}, (request, response) => {
    if (request.url === '/big') response.end(body)
    else response.end('fine')
  })
  await get(server)
  const before = process.memoryUsage().rss
  const deaf = []
  for (let i = 0; i < 4; i++) {
    const socket = connect(server)
    socket.pause()
    socket.write('GET /big HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(server, 'request')
    deaf.push(socket)
  }
  for (let i = 0; i < 10; i++) {
    assert.equal(await get(server), 'fine')
    await delay(20)
  }
  // No copy of the body: the kernel's buffers are not ours.
  const grown = process.memoryUsage().rss - before
  assert.ok(grown < 48e6, `${(grown / 1e6).toFixed()} MB more`)
  for (const socket of deaf) socket.destroy()
  await close(server)
})

stress('HTTP servers in four threads under load', async () => {
  await listen({}, () => {}).then(close)
  const before = descriptors()
  const file = path.join(__dirname, 'fixtures', 'http-worker.js')
  const workers = Array.from({ length: 4 }, () => new Worker(file))
  const ports = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0]))
  const agent = new http.Agent({ keepAlive: true, maxSockets: 8 })
  const ask = async (port, i) => {
    const request = http.request({ port, host: HOST, agent, method: 'POST', path: `/${i}` })
    request.end(`body ${i}`)
    const [response] = await once(request, 'response')
    let text = ''
    for await (const piece of response.setEncoding('latin1')) text += piece
    assert.equal(text, `/${i} body ${i}`)
  }
  await Promise.all(
    ports.map(async (port) => {
      for (let i = 0; i < 4000; i += 20) {
        await Promise.all(Array.from({ length: 20 }, (_, lane) => ask(port, i + lane)))
      }
    }),
  )
  agent.destroy()
  await Promise.all(workers.map((worker) => worker.terminate()))
  await assertNoDescriptors(before)
})
