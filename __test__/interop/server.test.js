'use strict'

// Listeners: their connections, their count, their end; and what both ends know of themselves.

const { scenario } = require('../common/harness')
const { LIFE, closed, ended, event, outcome, state } = require('../common/tools')

const LISTENER = ['listening', 'connection', 'drop', 'error', 'close']

scenario('close with live connections', {}, async (run) => {
  const { server, client } = run
  const { listener, target, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  server.log.watch('server', listener, LISTENER)
  const callback = (name) => (error) => server.log(name, error)
  server.log('close', listener.close(callback('callback')) === listener)
  server.log(listener.listening, listener.address())
  listener.close(callback('second callback'))
  await run.turns(6)

  // The connection lives on, but no other one comes.
  socket.write('still here')
  await event(peer, 'data')
  const late = client.net.connect(target)
  client.log.watch('late', late, LIFE)
  await closed(late)
  socket.end()
  await closed(listener)
  listener.close(callback('third callback'))
  await run.turns()
  server.log(outcome(() => listener.close()) === listener)
})

scenario('close of a server that never listened', {}, async (run) => {
  const { server, client } = run
  client.log('not used')
  const listener = server.net.createServer()
  server.log.watch('server', listener, LISTENER)
  server.log(listener.listening, listener.address(), listener.connections)
  listener.close((error) => server.log('callback', error))
  await run.turns()
  listener.unref()
  listener.ref()
  listener.getConnections((error, count) => server.log('count', error, count))
  await run.turns()
  if (typeof listener[Symbol.asyncDispose] !== 'function') return
  await listener[Symbol.asyncDispose]()
  server.log('disposed')
})

scenario('a server that listens again', {}, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => peer.end('hello'))
  server.log.watch('server', listener, ['listening', 'error', 'close'])
  for (const round of ['first', 'second']) {
    server.log(round)
    const target = await run.listen(listener)
    const socket = client.net.connect(target)
    client.log.watch('socket', socket, LIFE)
    await closed(socket)
    await run.close(listener)
  }
})

scenario('listening comes later', {}, async (run) => {
  const { server, client } = run
  client.log('not used')
  const listener = server.net.createServer()
  server.log.watch('server', listener, LISTENER)
  const done = closed(listener)
  const returned = listener.listen(run.address(), () => {
    server.log('callback', listener.listening)
    process.nextTick(() => server.log('tick after listening'))
  })
  server.log(returned === listener, listener.listening)
  server.log('address known', listener.address() !== null)
  process.nextTick(() => server.log('tick'))
  Promise.resolve().then(() => server.log('microtask'))
  await event(listener, 'listening')
  listener.close()
  process.nextTick(() => server.log('tick after close'))
  setImmediate(() => server.log('immediate'))
  await done

  const stopped = server.net.createServer()
  server.log.watch('stopped', stopped, LISTENER)
  stopped.listen(run.address())
  stopped.close((error) => server.log('closed at once', error))
  await closed(stopped)
})

scenario('getConnections', {}, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => peer.resume())
  const count = (when) =>
    new Promise((resolve) => {
      const returned = listener.getConnections((error, number) => {
        server.log(when, error, number)
        resolve()
      })
      server.log('asked', returned === listener)
    })
  const target = await run.listen(listener)
  await count('none')
  const sockets = []
  for (let i = 1; i <= 3; i++) {
    const accepted = event(listener, 'connection')
    sockets.push(client.net.connect(target))
    const peer = await accepted
    await count(`with ${i}`)
    peer.on('close', () => server.log('peer close'))
  }
  while (sockets.length > 0) {
    const socket = sockets.pop()
    const gone = new Promise((resolve) => listener.getConnections(() => resolve()))
    await gone
    socket.destroy()
    await closed(socket)
    client.log('closed', socket.destroyed)
    await run.turns(6)
    await count(`left ${sockets.length}`)
  }
  await run.close(listener)
})

scenario('maxConnections', {}, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => {
    server.log.watch('peer', peer, LIFE)
    peer.write('welcome')
  })
  listener.maxConnections = 1
  server.log.watch('server', listener, ['listening', 'error', 'close'])
  listener.on('drop', (dropped) => {
    run.rename(dropped?.remotePort, 'dropped port')
    server.log('drop', dropped)
  })
  const target = await run.listen(listener)
  const first = client.net.connect(target)
  client.log.watch('first', first, LIFE)
  await event(first, 'data')
  await run.turns(2)
  const second = client.net.connect(target)
  client.log.watch('second', second, LIFE)
  await closed(second)
  first.end()
  await closed(first)
  await run.settled(listener)
  const third = client.net.connect(target)
  client.log.watch('third', third, LIFE)
  third.once('data', () => third.end())
  await closed(third)
  await run.close(listener)
})

scenario('addresses', {}, async (run) => {
  const { server, client } = run
  const about = (socket) => {
    const { remoteAddress, remotePort, remoteFamily } = socket
    const { localAddress, localPort, localFamily } = socket
    return {
      address: socket.address(),
      remoteAddress,
      remotePort,
      remoteFamily,
      localAddress,
      localPort,
      localFamily,
    }
  }
  const listener = server.net.createServer()
  server.log('before listen', listener.address())
  const target = await run.listen(listener)
  server.log('listening', listener.address())
  const accepted = event(listener, 'connection')
  const socket = client.net.connect(target)
  client.log('connecting', about(socket))
  await event(socket, 'connect')
  const peer = await accepted
  await run.turns(1)
  run.rename(socket.localPort, 'client port')
  client.log('connected', about(socket))
  server.log('accepted', about(peer))
  peer.resume()
  socket.resume()
  socket.end()
  await closed(socket, peer)
  client.log('closed', about(socket))
  server.log('closed', about(peer))
  await run.close(listener)
  server.log('closed', listener.address())
})

scenario('addresses that nobody asked for in time', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({})
  const names = ['remoteAddress', 'remotePort', 'remoteFamily']
  peer.destroy()
  server.log('destroyed', names, [peer.remoteAddress, peer.localPort])
  server.log(peer.address(), peer.readyState)
  socket.resume()
  await closed(socket)
  client.log('closed', socket.remoteAddress, socket.localAddress)
  await run.close(listener)
})

scenario('IPv6 and any address', { over: ['tcp'] }, async (run) => {
  const { server, client } = run
  for (const host of ['::1', '::', '0.0.0.0', undefined, 'localhost']) {
    const listener = server.net.createServer((peer) => peer.end())
    server.log.watch('server', listener, LISTENER)
    run.follow(listener)
    const family = host === 'localhost' ? 'IPv4 or IPv6' : undefined
    listener.listen({ port: 0, host })
    await event(listener, 'listening')
    const address = listener.address()
    run.rename(address.port, 'server port')
    server.log(host, family ?? address)
    const near = address.family === 'IPv6' ? '::1' : '127.0.0.1'
    const socket = client.net.connect(address.port, near)
    client.log.watch('socket', socket, LIFE)
    await event(socket, 'connect')
    client.log(socket.remoteFamily, socket.remoteAddress === near)
    await closed(socket)
    await run.close(listener)
  }
})

scenario('states at every event', {}, async (run) => {
  const { server, client } = run
  const follow = (log, name, socket) => {
    for (const what of ['lookup', ...LIFE]) {
      socket.on(what, () => log(`${name} ${what}`, state(socket)))
    }
  }
  const listener = server.net.createServer({ allowHalfOpen: true }, (peer) => {
    server.log('connection', state(peer))
    follow(server.log, 'peer', peer)
    peer.on('data', (chunk) => peer.write(chunk))
    peer.on('end', () => peer.end())
  })
  const target = await run.listen(listener)
  const socket = new client.net.Socket()
  client.log('made', state(socket))
  follow(client.log, 'socket', socket)
  socket.connect(target)
  client.log('called connect', state(socket))
  const arrived = event(socket, 'data')
  socket.write('x')
  client.log('called write', state(socket))
  await arrived
  socket.end()
  client.log('called end', state(socket))
  await closed(socket)
  await run.close(listener)
})

scenario('accepted sockets inherit the options', {}, async (run) => {
  const { server, client } = run
  const options = {
    allowHalfOpen: true,
    pauseOnConnect: true,
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: 5000,
    highWaterMark: 1234,
  }
  const { listener, peer, socket } = await run.connected({
    serverOptions: options,
    clientOptions: { allowHalfOpen: true, highWaterMark: 4321 },
  })
  server.log(peer.allowHalfOpen, peer.isPaused())
  server.log(peer.readableHighWaterMark, peer.writableHighWaterMark)
  client.log(socket.allowHalfOpen, socket.isPaused())
  client.log(socket.readableHighWaterMark, socket.writableHighWaterMark)
  for (const name of Object.keys(options)) {
    server.log(name, listener[name])
  }
  socket.end()
  peer.resume()
  await ended(peer)
  socket.resume()
  peer.end()
  await closed(socket, peer)
  await run.close(listener)
})
