'use strict'

// Memory comes to rest: connections and requests that are over leave nothing behind, on the heap or outside of it.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { http, net } = require('ferrowire')
const { settledMemory, stress } = require('./common')

const WARM_UP = 150
const ROUNDS = 60
const AT_ONCE = 100
const ALLOWED_HEAP_MIB = 4
const ALLOWED_RSS_MIB = 48

async function assertRests(round) {
  // V8 enlarges its heap for a while, by tens of MiB at once, whatever is run.
  for (let i = 0; i < WARM_UP; i++) await round()
  const before = await settledMemory()
  for (let i = 0; i < ROUNDS; i++) await round()
  const after = await settledMemory()
  const grown = { heap: after.heap - before.heap, rss: after.rss - before.rss }
  const told = `heap grew by ${grown.heap.toFixed(1)} MiB, resident memory by ${grown.rss.toFixed(1)} MiB`
  assert.ok(grown.heap < ALLOWED_HEAP_MIB && grown.rss < ALLOWED_RSS_MIB, told)
}

const each = (job) => Promise.all(Array.from({ length: AT_ONCE }, job))

stress('6,000 connections', async () => {
  const server = net.createServer((socket) => socket.pipe(socket)).listen(0)
  await once(server, 'listening')
  const { port } = server.address()
  await assertRests(() =>
    each(async () => {
      const socket = net.connect(port)
      socket.end(Buffer.alloc(20_000))
      socket.resume()
      await once(socket, 'close')
    }),
  )
  server.close()
})

stress('6,000 requests', async () => {
  const server = http.createServer((req, res) => req.pipe(res)).listen(0)
  await once(server, 'listening')
  const agent = new http.Agent({ keepAlive: true, maxSockets: 20 })
  const options = { port: server.address().port, agent, method: 'POST' }
  await assertRests(() =>
    each(async () => {
      const req = http.request(options)
      req.end(Buffer.alloc(20_000))
      const [res] = await once(req, 'response')
      res.resume()
      await once(res, 'end')
    }),
  )
  agent.destroy()
  server.close()
})
