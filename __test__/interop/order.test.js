'use strict'

// What runs between two events: ticks, microtasks and immediates, and in which asynchronous
// context.

const { AsyncLocalStorage } = require('node:async_hooks')
const { scenario } = require('../common/harness')
const { closed, event, gone } = require('../common/tools')

// Logs an event together with all that it leaves behind.
function trace(log, name) {
  log(name)
  setImmediate(() => log(`${name}: immediate`))
  process.nextTick(() => {
    log(`${name}: tick`)
    Promise.resolve().then(() => log(`${name}: microtask of the tick`))
  })
  Promise.resolve().then(() => {
    log(`${name}: microtask`)
    process.nextTick(() => log(`${name}: tick of the microtask`))
  })
  queueMicrotask(() => log(`${name}: second microtask`))
}

// Some quiet connections to one listener, in the order in which they were accepted.
async function connections(run, count, options) {
  const listener = run.server.net.createServer(options)
  const target = await run.listen(listener)
  const peers = []
  const sockets = []
  for (let i = 0; i < count; i++) {
    const accepted = event(listener, 'connection')
    const socket = run.client.net.connect({ ...target, allowHalfOpen: true })
    await event(socket, 'connect')
    peers.push(await accepted)
    sockets.push(socket)
    await run.turns(2)
  }
  return { listener, target, peers, sockets }
}

// All bytes are in the kernel before the loop looks at any of them: the events of one turn.
scenario('two connections with data in the same turn', {}, async (run) => {
  const { listener, peers, sockets } = await connections(run, 3)
  peers.forEach((peer, index) => {
    peer.on('data', (chunk) => trace(run.server.log, `data ${index} ${chunk}`))
  })
  run.client.log('both write now')
  await run.turns(4)
  for (const socket of sockets) socket.write('x')
  await run.turns(4)
  for (const socket of sockets.reverse()) socket.write('y')
  await run.turns(4)
  for (const end of [...peers, ...sockets]) end.destroy()
  await run.turns(2)
  await run.close(listener)
})

scenario('two connections that end in the same turn', {}, async (run) => {
  const { server, client } = run
  const { listener, peers, sockets } = await connections(run, 2)
  peers.forEach((peer, index) => {
    for (const name of ['end', 'finish', 'close'])
      peer.on(name, () => trace(server.log, `${name} ${index}`))
    peer.resume()
  })
  client.log('both end now')
  await run.turns(4)
  for (const socket of sockets) socket.end()
  await closed(...peers)
  await run.turns(2)
  for (const socket of sockets) socket.destroy()
  await run.close(listener)
})

scenario('destroyed in the same tick', {}, async (run) => {
  const { server, client } = run
  const { listener, peers, sockets } = await connections(run, 2)
  sockets.forEach((socket, index) => {
    socket.on('close', () => trace(client.log, `close ${index}`))
    socket.on('error', () => trace(client.log, `error ${index}`))
  })
  for (const peer of peers) peer.on('error', (error) => server.log(error))
  server.log('quiet')
  sockets[0].destroy()
  sockets[1].destroy(new Error('on purpose'))
  trace(client.log, 'after destroy')
  await closed(...peers.map((peer) => peer.resume()))
  await run.close(listener)
})

scenario('from connect to the first data', {}, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => {
    trace(server.log, 'connection')
    peer.write('hello', () => trace(server.log, 'written'))
    peer.on('data', () => trace(server.log, 'data'))
    peer.on('end', () => trace(server.log, 'end'))
    peer.on('close', () => server.log('close'))
  })
  const target = await run.listen(listener)
  const socket = client.net.connect(target)
  for (const name of ['connect', 'ready', 'end', 'finish'])
    socket.on(name, () => trace(client.log, name))
  socket.write('early', () => trace(client.log, 'written'))
  await event(socket, 'data')
  await run.turns(4)
  client.log('arrived')
  socket.end('last', () => trace(client.log, 'end callback'))
  await closed(socket)
  await run.close(listener)
})

scenario('a callback of a write and what follows it', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, ['data', 'end', 'close']),
  })
  trace(client.log, 'before')
  socket.write('one', () => trace(client.log, 'one written'))
  trace(client.log, 'between')
  socket.write('two', () => trace(client.log, 'two written'))
  trace(client.log, 'after')
  await run.turns(4)
  socket.cork()
  socket.write('three', () => trace(client.log, 'three written'))
  socket.write('four', () => trace(client.log, 'four written'))
  socket.uncork()
  await run.turns(4)
  // More than any socket buffer takes: this one is finished by the loop.
  peer.pause()
  socket.write(Buffer.alloc(16 << 20), () => trace(client.log, 'large written'))
  await run.turns(4)
  client.log('not yet')
  peer.removeAllListeners('data').resume()
  await event(socket, 'drain')
  await run.turns(4)
  socket.destroy()
  await closed(peer)
  await run.close(listener)
})

scenario('an error and its close', {}, async (run) => {
  const { server, client } = run
  server.log('not there')
  const target =
    run.over === 'tcp' ? { port: await run.freePort(), host: '127.0.0.1' } : { path: run.path() }
  const socket = client.net.connect(target)
  socket.on('error', () => trace(client.log, 'error'))
  socket.on('close', () => trace(client.log, 'close'))
  trace(client.log, 'connecting')
  await closed(socket)
  await run.turns(2)
})

scenario('connects of the same tick', {}, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => peer.end())
  const target = await run.listen(listener)
  server.log('listening')
  const nowhere =
    run.over === 'tcp' ? { port: await run.freePort(), host: '127.0.0.1' } : { path: run.path() }
  const sockets = [target, nowhere, target, nowhere].map((place, index) => {
    const socket = client.net.connect(place).resume()
    for (const name of ['connect', 'error'])
      socket.on(name, () => trace(client.log, `${name} ${index}`))
    return socket
  })
  await closed(...sockets)
  await run.close(listener)
})

scenario('the context of every callback', {}, async (run) => {
  const { server, client } = run
  const context = new AsyncLocalStorage()
  const note = (log, name) => log(name, context.getStore())
  let peer
  const listener = context.run('creating the server', () =>
    server.net.createServer((accepted) => {
      peer = accepted
      note(server.log, 'connection')
      context.run('in connection', () => {
        for (const name of ['data', 'end', 'finish', 'close', 'timeout'])
          peer.on(name, () => note(server.log, `peer ${name}`))
        peer.setTimeout(40)
        peer.write('hello', () => note(server.log, 'peer written'))
      })
      peer.on('end', () => peer.end(() => note(server.log, 'peer ended')))
    }),
  )
  for (const name of ['listening', 'close']) listener.on(name, () => note(server.log, name))
  const target = await context.run('listening', () => run.listen(listener))

  const socket = context.run('connecting', () =>
    client.net.connect(target, () => note(client.log, 'callback')),
  )
  for (const name of ['connect', 'ready', 'data', 'end', 'finish', 'close'])
    socket.on(name, () => note(client.log, name))
  context.run('timer', () => socket.setTimeout(20, () => note(client.log, 'timeout')))
  context.run('first write', () => socket.write('early', () => note(client.log, 'first written')))
  await event(socket, 'data')
  await run.wait(80)
  context.run('second write', () => socket.write('late', () => note(client.log, 'second written')))
  await run.turns(4)
  context.run('ending', () => socket.end(() => note(client.log, 'ended')))
  await closed(socket, peer)
  await run.turns(2)
  context.run('counting', () => listener.getConnections(() => note(server.log, 'counted')))
  await run.turns(2)
  context.run('closing', () => listener.close(() => note(server.log, 'close callback')))
  await closed(listener)

  const lost = context.run('connecting again', () => client.net.connect(target))
  for (const name of ['error', 'close']) lost.on(name, () => note(client.log, `lost ${name}`))
  await closed(lost)
  client.log('left', context.getStore())
})

scenario('two connections keep their contexts apart', {}, async (run) => {
  const { server, client } = run
  const context = new AsyncLocalStorage()
  const { listener, target, peers, sockets } = await connections(run, 2)
  listener.on('connection', (peer) => {
    server.log('connection', context.getStore())
    peer.end('hello')
  })
  const ends = ['one', 'two'].map((name) => context.run(name, () => client.net.connect(target)))
  ends.forEach((socket, index) => {
    const log = run.lane(`socket ${index}`)
    for (const name of ['connect', 'data', 'end', 'close'])
      socket.on(name, () => log(name, context.getStore()))
  })
  await closed(...ends)
  client.log('done', context.getStore())
  for (const end of [...peers, ...sockets]) end.destroy()
  await run.close(listener)
})

scenario('asynchronous resources', {}, async (run) => {
  const hooks = require('node:async_hooks')
  const { server, client } = run
  // The numbers differ from run to run, their relations do not.
  const { listener, peer, socket } = await run.connected({
    accept(peer) {
      const here = hooks.executionAsyncId()
      peer.on('data', () => {
        server.log('own scope', hooks.executionAsyncId() !== here)
        server.log(hooks.executionAsyncResource() === peer._handle)
        server.log(peer._handle.getAsyncId() === hooks.executionAsyncId())
      })
    },
  })
  const ids = new Set()
  socket.on('data', () => ids.add(hooks.executionAsyncId()))
  for (let i = 0; i < 3; i++) {
    socket.write('x')
    await event(peer, 'data')
    peer.write('y')
    await event(socket, 'data')
  }
  client.log('always the same', ids.size)
  socket.destroy()
  await closed(peer)
  await run.close(listener)
})

// A read that filled its buffer is followed by another at once, in which only that connection has a part.
scenario('an answer to a read of 64 KiB comes behind setImmediate', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected()
  let length = 0
  peer.on('data', (chunk) => {
    length += chunk.length
    if (length < 65536) return
    length = 0
    setImmediate(() => server.log('immediate'))
    peer.write('ok')
  })
  for (let round = 0; round < 4; round++) {
    await run.wait(20)
    socket.write(Buffer.alloc(65536))
    await event(socket, 'data')
    server.log('answer')
  }
  client.log('done')
  socket.destroy()
  await gone(peer)
  await run.close(listener)
})
