'use strict'

const { scenario } = require('../common/harness')
const { LIFE, closed, ended, event, outcome } = require('../common/tools')

scenario('connect, echo and end', {}, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => {
    server.log('connection', peer, peer.server === listener)
    server.log.watch('peer', peer, LIFE)
    peer.on('data', (chunk) => peer.write(chunk))
  })
  server.log.watch('server', listener, ['listening', 'error', 'close'])
  const target = await run.listen(listener)

  const socket = client.net.connect(target, () => client.log('callback'))
  client.log.watch('socket', socket, LIFE)
  socket.write('hello')
  socket.once('data', () => socket.end())
  await closed(socket)
  await run.close(listener, (error) => server.log('close callback', error))
})

scenario('half-close from the client', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    serverOptions: { allowHalfOpen: true },
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  socket.end('question')
  await ended(peer)
  await run.turns()
  server.log('still writable', peer.writable, peer.readyState)
  client.log('still readable', socket.readable, socket.readyState)
  peer.write('answer, ')
  await event(socket, 'data')
  peer.end('last words')
  await closed(socket)
  await run.close(listener)
})

scenario('half-close from the server', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    serverOptions: { allowHalfOpen: true },
    clientOptions: { allowHalfOpen: true },
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  peer.end('that was all')
  await ended(socket)
  await run.turns()
  client.log('still writable', socket.writable, socket.readyState)
  server.log('still readable', peer.readable, peer.readyState)
  for (const part of ['one ', 'two ', 'three']) {
    const arrived = event(peer, 'data')
    socket.write(part)
    await arrived
  }
  socket.end()
  await closed(peer)
  await run.close(listener)
})

scenario('a client that ends itself after the server', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  socket.on('end', () => {
    client.log('in end', socket.writableEnded, socket.readyState)
    process.nextTick(() => client.log('a tick later', socket.writableEnded))
  })
  peer.end('bye')
  await closed(socket, peer)
  await run.close(listener)
})

scenario('both sides end at once', {}, async (run) => {
  const { server, client } = run
  // A side's own FIN and the other's cross: nothing orders its 'finish' and its 'end'.
  const writing = run.lane('writing')
  const clientWriting = run.lane('client writing')
  const reading = ['data', 'end', 'error', 'close']
  const { listener, peer, socket } = await run.connected({
    accept(peer) {
      server.log.watch('peer', peer, reading)
      writing.watch('peer', peer, ['finish'])
    },
    open(socket) {
      client.log.watch('socket', socket, reading)
      clientWriting.watch('socket', socket, ['finish'])
    },
  })
  socket.end('from the client')
  peer.end('from the server')
  await closed(socket, peer)
  await run.close(listener)
})

scenario('end with data and with callbacks', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  const callback = (name) => (error) => client.log(name, error)
  socket.write('first, ', callback('first written'))
  client.log(socket.end('last', 'latin1', callback('ended')) === socket)
  socket.end(callback('ended again'))
  client.log('length', socket.writableLength, socket.writableNeedDrain)
  await closed(socket, peer)
  socket.end(callback('ended after close'))
  await run.turns()
  await run.close(listener)
})

scenario('writes before the connection stands', {}, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => {
    server.log.watch('peer', peer, LIFE)
  })
  const target = await run.listen(listener)
  const socket = new client.net.Socket()
  client.log.watch('socket', socket, LIFE)
  client.log('connect returns it', socket.connect(target) === socket)
  for (const part of ['one ', Buffer.from('two '), 'three']) {
    const returned = socket.write(part, () => client.log('written', part))
    client.log(returned, socket.bytesWritten, socket.writableLength)
  }
  client.log(socket.connecting, socket.pending)
  socket.on('connect', () => {
    client.log('at connect', socket.bytesWritten, socket.writableLength)
    socket.end(' four')
  })
  await closed(socket)
  client.log('at close', socket.bytesWritten, socket.writableLength)
  await run.close(listener)
})

scenario('a socket that was never connected', {}, async (run) => {
  const { server, client } = run
  server.log('not used')
  const socket = new client.net.Socket()
  client.log.watch('socket', socket, LIFE)
  client.log(socket.readyState, socket.connecting, socket.pending)
  client.log(socket.address(), socket.bytesRead, socket.bytesWritten)
  client.log(socket.setNoDelay() === socket, socket.setTimeout(0) === socket)
  socket.write('lost', (error) => client.log('written', error))
  await closed(socket)

  const unused = new client.net.Socket()
  client.log.watch('unused', unused, LIFE)
  unused.end()
  await run.turns()
  unused.destroy()
  await closed(unused)
})

scenario('a socket that connects again after its close', {}, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => {
    server.log.watch('peer', peer, LIFE)
    peer.end('hello')
  })
  const target = await run.listen(listener)
  const socket = new client.net.Socket()
  client.log.watch('socket', socket, LIFE)
  for (const round of ['first', 'second']) {
    client.log(round)
    socket.connect(target)
    await closed(socket)
    client.log(socket.destroyed, socket.bytesRead, socket.readyState)
    await run.settled(listener)
  }
  await run.close(listener)
})

scenario('the forms of connect and of the constructors', {}, async (run) => {
  const { server, client } = run
  const { Duplex } = require('node:stream')
  const { EventEmitter } = require('node:events')
  const { Server } = server.net
  // Older user code leaves out `new`.
  const listener = Server({ allowHalfOpen: false }, (peer) => peer.end('.'))
  server.log(listener instanceof Server, listener instanceof EventEmitter)
  const target = await run.listen(listener)
  const place = run.over === 'tcp' ? [target.port, target.host] : [target.path]
  const { Socket, connect, createConnection, Stream } = client.net
  client.log(Stream === Socket, connect === createConnection)
  const forms = {
    'connect(place)': () => connect(...place),
    'connect(place, listener)': () => connect(...place, () => client.log('listener')),
    'connect(options, listener)': () => connect(target, () => client.log('listener')),
    'createConnection(options)': () => createConnection(target),
    'Socket().connect': () => Socket().connect(...place),
    'text port': () => connect({ ...target, port: String(target.port) }),
  }
  for (const [name, form] of Object.entries(forms)) {
    if (name === 'text port' && run.over !== 'tcp') continue
    const socket = form()
    client.log(name, socket instanceof Socket, socket instanceof Duplex)
    client.log.watch('socket', socket, LIFE)
    await closed(socket)
  }
  for (const options of [undefined, {}, null, [], 'nowhere', { fd: 'x' }]) {
    const made = outcome(() => new Socket(options))
    client.log('new Socket', options, made)
  }
  await run.close(listener)
})
