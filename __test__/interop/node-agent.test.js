'use strict'

// Node's own Agent over sockets of Ferrowire: it puts functions of its own on the handles of pooled connections.

const assert = require('node:assert/strict')
const http = require('node:http')
const { once } = require('node:events')
const { test } = require('node:test')
const { setTimeout: sleep } = require('node:timers/promises')
const net = require('ferrowire/net')

const skip = process.env.FERROWIRE_POISON ? "Node's own client and server are poisoned" : false

async function serve(t, answer) {
  const peers = []
  const server = net.createServer((peer) => {
    peers.push(peer)
    peer.on('error', () => {})
    peer.on('data', () => peer.write(answer))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const agent = new http.Agent({ keepAlive: true })
  const sockets = []
  agent.createConnection = () => {
    const socket = net.connect(server.address().port, '127.0.0.1')
    sockets.push(socket)
    return socket
  }
  t.after(() => {
    agent.destroy()
    for (const peer of peers) peer.destroy()
    server.close()
  })
  const ask = async () => {
    const request = http.get({ agent })
    const [response] = await once(request, 'response')
    let length = 0
    for await (const chunk of response) length += chunk.length
    await sleep(10)
    return [length, request.reusedSocket]
  }
  return { ask, peers, sockets }
}

for (const length of [2, 200_000]) {
  test(`answers of ${length} bytes on a kept connection`, { skip, timeout: 10000 }, async (t) => {
    const body = 'x'.repeat(length)
    const { ask } = await serve(t, `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n${body}`)
    const seen = [await ask(), await ask(), await ask()]
    assert.deepEqual(seen, [
      [length, false],
      [length, true],
      [length, true],
    ])
  })
}

test('bytes on a pooled connection are no answer', { skip, timeout: 10000 }, async (t) => {
  const { ask, peers, sockets } = await serve(t, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  await ask()
  // Node 20 does not look.
  const isGuarded = sockets[0]._handle.onread.name === 'freeSocketOnReadGuard'
  peers[0].write('HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged')
  await sleep(50)
  assert.equal(sockets[0].destroyed, isGuarded)
  if (isGuarded) assert.deepEqual(await ask(), [2, false])
})
