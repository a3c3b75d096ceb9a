'use strict'

// Bad peers and bad days in numbers: all at once, never, slowly.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { net } = require('ferrowire')
const { assertNoDescriptors, delay, descriptors, localPath, stress } = require('./common')

async function listen(where, onConnection) {
  const server = net.createServer(onConnection)
  server.listen(where)
  await once(server, 'listening')
  return server
}

async function close(server) {
  server.close()
  await once(server, 'close')
}

const target = (server) => {
  const address = server.address()
  return typeof address === 'string' ? { path: address } : { port: address.port, host: '127.0.0.1' }
}

// Opens `count` connections, never more than `limit` of them at a time, and ends each by `end`.
async function storm(where, count, limit, end) {
  let started = 0
  const lane = async () => {
    while (started++ < count) {
      await new Promise((resolve) => {
        const socket = net.connect(where, () => end(socket))
        socket.on('error', () => {})
        socket.on('close', resolve)
      })
    }
  }
  await Promise.all(Array.from({ length: limit }, lane))
}

function countEvents(server) {
  const seen = { connection: 0, close: 0, error: 0, late: 0 }
  server.on('connection', (socket) => {
    seen.connection++
    let closed = false
    for (const name of ['data', 'end', 'finish', 'drain', 'error', 'timeout']) {
      socket.on(name, () => (closed ? seen.late++ : 0))
    }
    socket.on('error', () => seen.error++)
    socket.on('close', () => {
      if (closed) seen.late++
      closed = true
      seen.close++
    })
  })
  return seen
}

stress('10,000 connections opened and reset at once', async () => {
  const server = await listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
  await storm(target(server), 10, 10, (socket) => socket.destroy())
  const before = descriptors()
  const seen = countEvents(server)
  await storm(target(server), 10_000, 2500, (socket) => socket.resetAndDestroy())
  for (let i = 0; i < 200 && server._connections > 0; i++) await delay(20)
  assert.equal(server._connections, 0)
  assert.equal(seen.close, seen.connection)
  assert.equal(seen.late, 0)
  await close(server)
  await assertNoDescriptors(before)
})

for (const [name, where] of [
  ['TCP', () => ({ port: 0, host: '127.0.0.1' })],
  ['a pipe', () => ({ path: localPath() })],
]) {
  stress(`20,000 short connections over ${name} leave nothing`, async () => {
    const server = await listen(where())
    const seen = countEvents(server)
    server.on('connection', (socket) => socket.end('bye'))
    const round = (count) => storm(target(server), count, 50, (socket) => socket.resume().end())
    await round(1000)
    const before = descriptors()
    const handles = process.getActiveResourcesInfo().length
    const heap = measure()
    await round(20_000)
    assert.equal(seen.connection, 21_000)
    for (let i = 0; i < 200 && seen.close < seen.connection; i++) await delay(20)
    assert.deepEqual(seen, { connection: 21_000, close: 21_000, error: 0, late: 0 })
    assert.ok(process.getActiveResourcesInfo().length <= handles + 2)
    await assertNoDescriptors(before)
    if (heap) assert.ok(measure() - heap < 8e6, `the heap grew by ${measure() - heap}`)
    await close(server)
  })
}

// Only with --expose-gc is the heap worth a look.
function measure() {
  if (!globalThis.gc) return 0
  globalThis.gc()
  return process.memoryUsage().heapUsed
}

stress('a peer that never reads holds up nobody else', async () => {
  const server = await listen({ port: 0, host: '127.0.0.1' }, (socket) => {
    socket.on('error', () => {})
    socket.on('data', (word) => {
      if (word.toString() === 'flood') while (socket.write(Buffer.alloc(65536)));
      else socket.write(word)
    })
  })
  const deaf = net.connect(target(server), () => deaf.write('flood'))
  deaf.pause()
  await delay(100)
  const quick = net.connect(target(server))
  for (let i = 0; i < 1000; i++) {
    quick.write('ping')
    const [answer] = await once(quick, 'data')
    assert.equal(answer.toString(), 'ping')
  }
  const usage = process.cpuUsage()
  await delay(300)
  const { user, system } = process.cpuUsage(usage)
  assert.ok(user + system < 100_000, 'a full connection costs time while nothing happens')
  for (const socket of [quick, deaf]) {
    socket.destroy()
    await once(socket, 'close')
  }
  await close(server)
})

stress('200 peers that send one byte every 20 ms', async () => {
  const received = new Map()
  const server = await listen({ port: 0, host: '127.0.0.1' }, (socket) => {
    received.set(socket, '')
    socket.on('data', (byte) => received.set(socket, received.get(socket) + byte))
    socket.on('end', () => socket.end())
  })
  const slow = async (text) => {
    const socket = net.connect(target(server)).resume()
    socket.setNoDelay()
    await once(socket, 'connect')
    for (const byte of text) {
      socket.write(byte)
      await delay(20)
    }
    socket.end()
    await once(socket, 'close')
  }
  const text = 'slow but steady'
  await Promise.all(Array.from({ length: 200 }, () => slow(text)))
  assert.equal(received.size, 200)
  for (const got of received.values()) assert.equal(got, text)
  await close(server)
})
