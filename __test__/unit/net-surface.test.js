'use strict'

// What can be seen of ferrowire/net without using it is what can be seen of node:net.

const builtIn = require('node:net')
const { once } = require('node:events')
const { test } = require('node:test')
const ferrowire = require('ferrowire/net')
const { assertSameSurface } = require('../common/surface')

const OLDER = 'Node 24 has it, this Node does not yet'
const MOVES = 'moving to another thread hangs on a mark that only Node can give to an object'

const KNOWN = [
  { of: /^(Socket|Server)\.prototype$/, key: /^\[messaging_/, from: 24, because: MOVES },
  { of: 'module', key: 'BoundSocket', before: 24, because: OLDER },
  { of: 'Socket.prototype', key: /^(set|get)TypeOfService$/, before: 24, because: OLDER },
  { of: 'Socket.prototype', key: 'setKeepAlive', before: 24, because: 'it has four arguments now' },
  { of: /socket$/, key: '[kSetTOS]', before: 24, because: OLDER },
  { of: 'module', key: '_setSimultaneousAccepts', before: 24, because: 'gone in Node 24' },
  { of: 'module', key: '_TransferredBoundSocket', from: '24.22', because: MOVES },
  { of: 'BoundSocket.prototype', key: /^\[messaging_/, from: '24.22', because: MOVES },
]

// A listening server and both ends of a connection.
async function connected(net) {
  const server = net.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection')
  const socket = net.connect(server.address().port, '127.0.0.1')
  const [[peer]] = await Promise.all([accepted, once(socket, 'ready')])
  return { server, socket, peer }
}

async function close({ server, socket, peer }) {
  socket.destroy()
  peer.destroy()
  server.close()
  await once(server, 'close')
}

test('net, its classes and their instances', async () => {
  const [theirs, ours] = await Promise.all([connected(builtIn), connected(ferrowire)])
  const of = (name, pick) => [name, pick(builtIn), pick(ferrowire)]
  const pairs = [
    of('module', (net) => net),
    of('connect', (net) => net.connect),
    of('createServer', (net) => net.createServer),
    of('Socket', (net) => net.Socket),
    of('Socket.prototype', (net) => net.Socket.prototype),
    of('Server', (net) => net.Server),
    of('Server.prototype', (net) => net.Server.prototype),
    of('fresh socket', (net) => new net.Socket()),
    of('fresh server', (net) => new net.Server()),
    ['connected socket', theirs.socket, ours.socket],
    ['accepted socket', theirs.peer, ours.peer],
    ['listening server', theirs.server, ours.server],
  ]
  if (builtIn.BoundSocket) {
    pairs.push(
      of('BoundSocket', (net) => net.BoundSocket),
      of('BoundSocket.prototype', (net) => net.BoundSocket.prototype),
      of('bound socket', boundSocket),
    )
  }
  try {
    assertSameSurface(pairs, KNOWN)
  } finally {
    await Promise.all([close(theirs), close(ours)])
  }
})

function boundSocket(net) {
  const bound = new net.BoundSocket()
  bound.close()
  return bound
}
