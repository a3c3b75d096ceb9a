'use strict'

// Timeouts, and the small switches of a socket.

const { scenario } = require('../common/harness')
const { LIFE, closed, ended, event, outcome } = require('../common/tools')

scenario('setTimeout and timeout', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  const returned = socket.setTimeout(30, () => client.log('callback'))
  client.log(returned === socket, socket.timeout)
  await event(socket, 'timeout')
  client.log('not closed by it', socket.destroyed, socket.readyState)
  // Once is enough: nothing happens on it any more.
  await run.wait(60)
  client.log('quiet')
  // What is written or read starts it anew.
  const arrived = event(peer, 'data')
  socket.write('awake')
  await arrived
  await event(socket, 'timeout')
  peer.write('you too')
  await event(socket, 'timeout')
  client.log('off', socket.setTimeout(0) === socket, socket.timeout)
  peer.write('and now')
  await run.wait(60)
  socket.end()
  await closed(socket, peer)
  await run.close(listener)
})

scenario('a timeout that traffic puts off', { over: ['tcp'] }, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    clientOptions: { timeout: 200 },
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  client.log('option', socket.timeout)
  // Longer than the timeout in all, never longer without a word.
  for (let i = 0; i < 3; i++) {
    await run.wait(80)
    peer.write('.')
  }
  peer.end()
  await closed(socket, peer)
  await run.wait(10)
  await run.close(listener)
})

scenario('a timeout while connecting and after close', {}, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => peer.resume())
  server.log.watch('server', listener, ['listening', 'error', 'close'])
  const target = await run.listen(listener)
  const socket = new client.net.Socket()
  client.log.watch('socket', socket, LIFE)
  socket.setTimeout(20)
  client.log(socket.timeout, socket.connecting)
  await event(socket, 'timeout')
  socket.connect(target)
  await event(socket, 'connect')
  await event(socket, 'timeout')
  socket.setTimeout(20)
  socket.destroy()
  client.log('destroyed', socket.timeout)
  await closed(socket)
  await run.wait(50)
  const fresh = new client.net.Socket()
  for (const bad of ['soon', -1, NaN, Infinity, undefined, null]) {
    client.log(
      bad,
      outcome(() => fresh.setTimeout(bad)),
    )
  }
  client.log(outcome(() => fresh.setTimeout(1, 'no function')))
  fresh.destroy()
  await run.close(listener)
})

scenario('setNoDelay, setKeepAlive, ref and unref', {}, async (run) => {
  const { server, client } = run
  const calls = {
    'setNoDelay()': (socket) => socket.setNoDelay(),
    'setNoDelay(false)': (socket) => socket.setNoDelay(false),
    'setKeepAlive()': (socket) => socket.setKeepAlive(),
    'setKeepAlive(true, 1000)': (socket) => socket.setKeepAlive(true, 1000),
    'setKeepAlive(false)': (socket) => socket.setKeepAlive(false),
    'unref()': (socket) => socket.unref(),
    'ref()': (socket) => socket.ref(),
  }
  const callAll = (log, when, socket) => {
    for (const [name, call] of Object.entries(calls)) {
      const result = outcome(() => call(socket))
      log(when, name, result === socket || result)
    }
  }
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => callAll(server.log, 'accepted', peer),
    open: (socket) => callAll(client.log, 'connecting', socket),
  })
  callAll(client.log, 'connected', socket)
  client.log('handle', socket._handle.hasRef(), typeof socket._handle.fd)
  socket.unref()
  client.log('unref', socket._handle.hasRef())
  socket.ref()
  socket.end('still works')
  peer.on('data', (chunk) => server.log.data('peer', chunk))
  socket.resume()
  await closed(socket, peer)
  callAll(client.log, 'closed', socket)
  client.log('handle', socket._handle)
  server.log(listener.unref() === listener, listener.ref() === listener)
  await run.close(listener)
})

scenario('a socket around a descriptor', { over: ['tcp'] }, async (run) => {
  const { server, client } = run
  const fs = require('node:fs')
  server.log(outcome(() => new server.net.Socket({ fd: -1 })))
  const file = fs.openSync(__filename)
  client.log(outcome(() => new client.net.Socket({ fd: file })))
  fs.closeSync(file)
})

scenario('what net exports for addresses', { over: ['tcp'] }, async (run) => {
  // Not of a connection, but part of `net`.
  for (const side of ['server', 'client']) {
    const { log, net } = run[side]
    for (const text of ['127.0.0.1', '::1', 'fe80::1%lo', '1.2.3', '', 'x']) {
      log(text, net.isIP(text), net.isIPv4(text), net.isIPv6(text))
    }
    const list = new net.BlockList()
    list.addSubnet('10.0.0.0', 8)
    log(list.check('10.1.2.3'), list.check('11.1.2.3'), list.rules)
    const address = new net.SocketAddress({ address: '1.2.3.4', port: 80 })
    log(address.address, address.family, address.port)
    log(net.getDefaultAutoSelectFamily())
    log(net.getDefaultAutoSelectFamilyAttemptTimeout())
  }
})

scenario('a block list', { over: ['tcp'] }, async (run) => {
  const { server, client } = run
  const blockList = new client.net.BlockList()
  blockList.addAddress('127.0.0.1')
  const listener = server.net.createServer((peer) => peer.end())
  server.log.watch('server', listener, ['connection', 'error', 'close'])
  const target = await run.listen(listener)
  const socket = client.net.connect({ ...target, blockList })
  client.log.watch('socket', socket, LIFE)
  const late = ended(socket)
  await Promise.race([closed(socket), late])
  await run.turns()
  await run.close(listener)
})
