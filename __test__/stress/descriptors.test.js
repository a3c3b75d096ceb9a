'use strict'

// Nothing stays open: what was connected, refused, reset, forked and closed leaves the descriptors as they were.

const assert = require('node:assert/strict')
const path = require('node:path')
const { once } = require('node:events')
const { child_process, http, net } = require('ferrowire')
const { assertNoDescriptors, descriptors, localPath, stress } = require('./common')

const ROUNDS = 40
const AT_ONCE = 50

// Every way a connection can end, in turn; a pipe can't be reset.
const ENDINGS = [
  (socket) => socket.end('bye'),
  (socket) => socket.destroy(),
  (socket) => (socket.remotePort === undefined ? socket.destroy() : socket.resetAndDestroy()),
  (socket) => socket.write(Buffer.alloc(1 << 18), () => socket.destroy()),
]

function visit(where, ending) {
  return new Promise((resolve) => {
    const socket = net.connect(where, () => ending(socket))
    socket.on('error', () => {})
    socket.on('close', resolve)
    socket.resume()
  })
}

async function churn(where) {
  const server = net.createServer((socket) => {
    socket.on('error', () => {})
    socket.pipe(socket)
  })
  server.listen(where)
  await once(server, 'listening')
  const address = typeof where === 'string' ? where : server.address().port
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(
      Array.from({ length: AT_ONCE }, (_, i) => visit(address, ENDINGS[i % ENDINGS.length])),
    )
  }
  server.close()
  await once(server, 'close')
  return address
}

// What the first use of everything opens stays: the engine of this thread.
async function warmUp() {
  await churn(0)
}

stress('2,000 connections over TCP, and refused ones', async () => {
  await warmUp()
  const before = descriptors()
  const port = await churn(0)
  for (let round = 0; round < ROUNDS; round++)
    await visit(port, () => assert.fail('nobody listens'))
  await assertNoDescriptors(before)
})

stress('2,000 connections over a pipe', async () => {
  await warmUp()
  const before = descriptors()
  await churn(localPath())
  await assertNoDescriptors(before)
})

stress('2,000 requests, kept alive and not', async () => {
  await warmUp()
  const before = descriptors()
  const server = http.createServer((req, res) => res.end(req.url))
  server.listen(0)
  await once(server, 'listening')
  const { port } = server.address()
  for (const agent of [new http.Agent({ keepAlive: true }), new http.Agent()]) {
    for (let round = 0; round < ROUNDS / 2; round++) {
      await Promise.all(Array.from({ length: AT_ONCE }, () => get({ port, agent, path: '/x' })))
    }
    agent.destroy()
  }
  server.close()
  await once(server, 'close')
  await assertNoDescriptors(before)
})

function get(options) {
  return new Promise((resolve, reject) => {
    const req = http.get(options, (res) => {
      res.resume()
      res.on('end', resolve)
    })
    req.on('error', reject)
  })
}

stress('50 children', async () => {
  await warmUp()
  const script = path.join(__dirname, 'fixtures', 'echo-child.js')
  const before = descriptors()
  for (let round = 0; round < 25; round++) {
    await Promise.all([0, 1].map((n) => talkTo(child_process.fork(script), round * 2 + n)))
  }
  await assertNoDescriptors(before)
})

async function talkTo(child, word) {
  child.send(word)
  const [answer] = await once(child, 'message')
  assert.equal(answer, word)
  child.disconnect()
  const [code] = await once(child, 'exit')
  assert.equal(code, 0)
}
