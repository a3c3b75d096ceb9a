'use strict'

// What a server turns away, and what rejections do.

const EventEmitter = require('node:events')
const { scenario } = require('../common/harness')
const { LIFE, closed, event, gone } = require('../common/tools')

const SERVER = ['connection', 'drop', 'error', 'close']

scenario('drop tells who was turned away', {}, async (run) => {
  const { server, client } = run
  for (const dropMaxConnection of [undefined, true]) {
    const listener = server.net.createServer()
    listener.maxConnections = 1
    listener.dropMaxConnection = dropMaxConnection
    const target = await run.listen(listener)
    const accepted = event(listener, 'connection')
    const first = client.net.connect(target)
    const peer = await accepted
    const dropped = event(listener, 'drop')
    const second = client.net.connect(target)
    client.log.watch('second', second, ['connect', 'end', 'error', 'close'])
    second.on('connect', () => run.rename(second.localPort, 'second port'))
    second.resume()
    const [data] = await Promise.all([dropped, closed(second)])
    server.log('drop', data, data && Object.getPrototypeOf(data))
    first.destroy()
    peer.destroy()
    await closed(first, peer)
    await run.close(listener)
  }
})

scenario('maxConnections changes while it listens', {}, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => peer.resume())
  listener.on('drop', () => server.log('drop'))
  const target = await run.listen(listener)
  for (const limit of [0, 1, null, undefined, -1, NaN]) {
    listener.maxConnections = limit
    const socket = client.net.connect(target).resume()
    await event(socket, 'connect')
    await run.turns(6)
    client.log(limit, socket.readyState)
    socket.destroy()
    await gone(socket)
    await run.turns(4)
    server.log(limit, listener._connections)
  }
  await run.close(listener)
})

scenario('a block list of the server', { over: ['tcp'] }, async (run) => {
  const { server, client } = run
  const blockList = new server.net.BlockList()
  blockList.addAddress('127.0.0.2')
  const listener = server.net.createServer({ blockList }, (peer) => peer.end('welcome'))
  server.log.watch('server', listener, SERVER)
  const target = await run.listen(listener)
  for (const localAddress of ['127.0.0.2', '127.0.0.1']) {
    const socket = client.net.connect({ ...target, localAddress })
    client.log.watch(localAddress, socket, LIFE)
    await closed(socket)
  }
  await run.close(listener)
})

scenario('rejections of async listeners are captured', {}, async (run) => {
  const { server, client } = run
  EventEmitter.captureRejections = true
  run.cleanup(() => (EventEmitter.captureRejections = false))
  const listener = server.net.createServer()
  server.log.watch('server', listener, ['error', 'close'])
  listener.on('connection', async (peer) => {
    server.log.watch('peer', peer, ['error', 'close'])
    throw new Error('no guest')
  })
  const target = await run.listen(listener)
  const socket = client.net.connect(target)
  client.log.watch('socket', socket, ['end', 'error', 'close'])
  socket.resume()
  await closed(socket)
  const failing = server.net.createServer()
  failing.on('listening', async () => {
    throw new Error('not here')
  })
  failing.on('error', (error) => server.log('failing', error))
  await run.listen(failing)
  await run.turns(2)
  await run.close(failing)
  await run.close(listener)
})

scenario('300 connections reset at once', {}, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer({ highWaterMark: 1024 })
  const seen = { connection: 0, close: 0 }
  listener.on('connection', (peer) => {
    seen.connection++
    peer.on('error', () => {})
    peer.on('close', () => seen.close++)
    peer.resume()
  })
  const target = await run.listen(listener, { backlog: 511 })
  const visits = Array.from({ length: 300 }, async () => {
    const socket = client.net.connect(target)
    socket.on('error', () => {})
    socket.on('connect', () => (run.over === 'tcp' ? socket.resetAndDestroy() : socket.destroy()))
    await closed(socket)
  })
  await Promise.all(visits)
  for (let i = 0; i < 100 && seen.close < 300; i++) await run.wait(10)
  server.log(seen, listener._connections)
  client.log('done')
  await run.close(listener)
})

scenario('one byte at a time', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected()
  peer.on('data', (byte) => server.log('byte', byte, peer.bytesRead))
  for (const byte of 'slowly') {
    const arrived = event(peer, 'data')
    socket.write(byte)
    await arrived
    await run.wait(5)
  }
  client.log(socket.bytesWritten)
  socket.resume().end()
  await closed(socket, peer)
  await run.close(listener)
})
