'use strict'

// A listener for 'connectionAttempt' may give the connection up. (Node throws then.)

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { test } = require('node:test')
const net = require('ferrowire/net')

const ADDRESSES = ['127.0.0.1', '127.0.0.2']

test('destroyed when the first of several addresses is tried', { timeout: 5000 }, async () => {
  const told = []
  const socket = new net.Socket()
  for (const name of ['connectionAttemptFailed', 'connect', 'error', 'ready']) {
    socket.on(name, () => told.push(name))
  }
  socket.on('connectionAttempt', (address) => {
    told.push(address)
    socket.destroy()
  })
  socket.connect({
    port: 1,
    host: 'several.test',
    lookup: (host, options, done) =>
      done(
        null,
        ADDRESSES.map((address) => ({ address, family: 4 })),
      ),
  })
  await once(socket, 'close')
  assert.deepEqual(told, ['127.0.0.1'])
})
