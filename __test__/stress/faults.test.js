'use strict'

// Bad peers and bad days in numbers: all at once, never, slowly.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { net } = require('ferrowire')
const { tellActiveHandles } = require('../../src/js/internal/active-handles')
const {
  assertNoDescriptors,
  delay,
  descriptors,
  localPath,
  settledMemory,
  stress,
} = require('./common')

// FERROWIRE_CONNECTIONS=1000000 asks for a million of each kind, which takes minutes.
const CONNECTIONS = Number(process.env.FERROWIRE_CONNECTIONS ?? 20_000)
// V8 enlarges its heap over as many, whatever is run; then it stays.
const WARM_UP = 40_000
const BACKLOG = 4096
const ENDPOINTS = [
  ['TCP', () => ({ port: 0, host: '127.0.0.1', backlog: BACKLOG })],
  ['a pipe', () => ({ path: localPath(), backlog: BACKLOG })],
]

// Without the preload process._getActiveHandles() knows none of ours.
tellActiveHandles()
const activeHandles = () => process._getActiveHandles().length

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

// Opens `count` connections, never more than `limit` of them at a time, and ends each by `end`. Gives how many there were:
// a pipe is refused while its backlog is full.
async function storm(where, count, limit, end) {
  let started = 0
  let opened = 0
  const lane = async () => {
    while (started++ < count) {
      await new Promise((resolve) => {
        const socket = net.connect(where, () => {
          opened++
          end(socket)
        })
        socket.on('error', () => {})
        socket.on('close', resolve)
      })
    }
  }
  await Promise.all(Array.from({ length: limit }, lane))
  return opened
}

async function until(isSo) {
  for (let i = 0; i < 100 && !isSo(); i++) await delay(20)
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

// TCP has a reset; a pipe that is closed with something unread in it tells the same.
const abort = (socket) => {
  if (socket.remotePort !== undefined) return socket.resetAndDestroy()
  return socket.write('unread', () => socket.destroy())
}

for (const [name, where] of ENDPOINTS) {
  stress(`10,000 connections over ${name} opened and reset at once`, async () => {
    const server = await listen(where(), (socket) => socket.on('error', () => {}).write('unread'))
    await storm(target(server), 10, 10, (socket) => socket.destroy())
    await until(() => server._connections === 0)
    const before = descriptors()
    const handles = activeHandles()
    const seen = countEvents(server)
    const opened = await storm(target(server), 10_000, 2500, abort)
    await until(() => seen.close === opened)
    const { connection, close: closed, late } = seen
    // What was reset before it was accepted may be gone.
    assert.ok(opened > 4000 && connection > 0.9 * opened, `${connection} of ${opened}`)
    assert.deepEqual({ closed, late }, { closed: connection, late: 0 })
    assert.equal(server._connections, 0)
    assert.equal(activeHandles(), handles)
    await close(server)
    await assertNoDescriptors(before)
  })

  stress(`${CONNECTIONS} short connections over ${name} leave nothing`, async () => {
    const server = await listen(where())
    const seen = countEvents(server)
    server.on('connection', (socket) => socket.end('bye'))
    const round = (count) => storm(target(server), count, 50, (socket) => socket.resume().end())
    await round(WARM_UP)
    await until(() => seen.close === WARM_UP)
    const before = {
      descriptors: descriptors(),
      handles: activeHandles(),
      ...(await settledMemory()),
    }
    await round(CONNECTIONS)
    const all = WARM_UP + CONNECTIONS
    await until(() => seen.close === all)
    assert.deepEqual(seen, { connection: all, close: all, error: 0, late: 0 })
    assert.equal(activeHandles(), before.handles)
    await assertNoDescriptors(before.descriptors)
    const after = await settledMemory()
    assert.ok(after.heap - before.heap < 2, `the heap grew by ${after.heap - before.heap} MiB`)
    assert.ok(after.rss - before.rss < 48, `memory grew by ${after.rss - before.rss} MiB`)
    await close(server)
  })

  stress(`a peer over ${name} that never reads holds up nobody else`, async () => {
    const server = await listen(where(), (socket) => {
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

  stress(`200 peers over ${name} that send one byte every 20 ms`, async () => {
    const received = new Map()
    const server = await listen(where(), (socket) => {
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
}
