'use strict'

// libuv's phases: what becomes ready while callbacks of the poll phase run is told in the next one, behind setImmediate.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const { once } = require('node:events')
const { test } = require('node:test')
const net = require('ferrowire/net')

const ROUNDS = 20

// Begins something in a callback that comes by libuv's thread pool; gives what came first.
async function firstOf(begin) {
  const order = []
  await new Promise((resolve) => {
    fs.stat(__filename, () => {
      begin(() => order.push('connection'))
      setImmediate(() => {
        order.push('immediate')
        setTimeout(resolve, 2)
      })
    })
  })
  return order[0]
}

test('a connection begun in a callback of the poll phase', { timeout: 10000 }, async () => {
  const server = net.createServer((peer) => peer.destroy()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const seen = new Set()
  for (let round = 0; round < ROUNDS; round++) {
    const first = await firstOf((onConnection) => {
      server.once('connection', onConnection)
      net.connect(server.address().port, '127.0.0.1').on('error', () => {})
    })
    seen.add(first)
  }
  server.close()
  assert.deepEqual([...seen], ['immediate'])
})
