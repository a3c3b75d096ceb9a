'use strict'

// One read may bring two chunks (an own buffer, and what lay behind it): each is counted with its
// own 'data' event, as if there had been two reads.

const assert = require('node:assert')
const { once } = require('node:events')
const { test } = require('node:test')
const net = require('ferrowire/net')

test('bytesRead grows by each chunk as it is told', async () => {
  const sizes = [5_000, 5_000, 70_000, 9_000, 300_000, 20_000, 64, 1_000_000]
  const total = sizes.reduce((sum, size) => sum + size)
  const server = net.createServer(async (peer) => {
    for (const size of sizes) {
      peer.write(Buffer.alloc(size))
      await new Promise(setImmediate)
    }
    peer.end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = net.connect(server.address().port, '127.0.0.1')
  let seen = 0
  const wrong = []
  socket.on('data', (chunk) => {
    seen += chunk.length
    if (socket.bytesRead !== seen) wrong.push([socket.bytesRead, seen])
  })
  await once(socket, 'close')
  server.close()
  assert.deepStrictEqual(wrong, [])
  assert.strictEqual(seen, total)
  assert.strictEqual(socket.bytesRead, total)
})
