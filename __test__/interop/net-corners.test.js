'use strict'

// Sockets that are destroyed, connected or asked in the middle of something else.

const { execFile } = require('node:child_process')
const { scenario } = require('../common/harness')
const { LIFE, closed, event, outcome } = require('../common/tools')

const tcp = { over: ['tcp'] }
const WAY = ['connectionAttempt', 'connectionAttemptFailed', 'connectionAttemptTimeout', ...LIFE]

scenario('a timeout while a write makes no progress', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    serverOptions: { pauseOnConnect: true },
    accept: (peer) => server.log.watch('peer', peer, ['close']),
  })
  socket.on('error', () => {})
  const began = performance.now()
  socket.write(Buffer.alloc(20_000_000))
  socket.setTimeout(200)
  await event(socket, 'timeout')
  // The first one finds that bytes have left since the write began.
  client.log('in the second period', performance.now() - began > 300)
  socket.destroy()
  peer.destroy()
  await closed(socket, peer)
  await run.close(listener)
})

scenario('destroyed while several addresses are tried', tcp, async (run) => {
  const { server, client } = run
  server.log('takes no part')
  const socket = new client.net.Socket()
  client.log.watch('socket', socket, WAY)
  const addresses = [
    { address: '127.0.0.1', family: 4 },
    { address: '127.0.0.2', family: 4 },
  ]
  const lookup = (host, options, callback) => callback(null, addresses)
  socket.connect({ port: 1, host: 'two.test', lookup, autoSelectFamily: true })
  socket.destroy()
  await closed(socket)
  await new Promise((resolve) => setTimeout(resolve, 300))
})

scenario('connect() while it connects', tcp, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => peer.resume().on('error', () => {}))
  const target = await run.listen(listener)
  server.log('listens')
  const socket = client.net.connect(target)
  const failed = event(socket, 'error')
  socket.connect(target)
  const { code, syscall } = await failed
  client.log(code, syscall)
  await run.close(listener)
})

scenario('a connect that cannot begin', tcp, async (run) => {
  const { server, client } = run
  server.log('takes no part')
  for (const options of [{}, { localPort: await run.freePort('own port') }]) {
    const socket = client.net.connect({ port: 80, host: '255.255.255.255', ...options })
    client.log((await event(socket, 'error')).message.replace(/\d{5}/, 'own port'))
  }
})

scenario('the text of sockets and servers', {}, async (run) => {
  const { server } = run
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log(typeof JSON.stringify(peer)),
  })
  run.client.log(typeof JSON.stringify(socket))
  server.log(typeof JSON.stringify(listener))
  socket.destroy()
  await closed(peer.resume())
  await run.close(listener)
})

scenario('the end is called back when it is cut short', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => peer.on('error', () => {}),
  })
  server.log('accepted')
  const { _final: final } = socket
  socket._final = function (callback) {
    final.call(this, (error) => {
      client.log('final', error)
      callback(error)
    })
  }
  socket.end()
  process.nextTick(() => socket.destroy())
  await closed(socket)
  client.log(socket._writableState.pendingcb, socket.writableFinished)
  peer.destroy()
  await run.close(listener)
})

scenario('the buffers of onread are asked for without a receiver', {}, async (run) => {
  const { server, client } = run
  const buffer = function () {
    client.log(this === undefined)
    return Buffer.alloc(9)
  }
  const onread = { buffer, callback: (count) => client.log(count) }
  const { listener, peer, socket } = await run.connected({ clientOptions: { onread } })
  server.log('accepted')
  peer.end('x')
  await closed(socket)
  await run.close(listener)
})

scenario('a Buffer that lies about its length', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected()
  const secret = event(peer, 'data')
  socket.write(Buffer.from('what another connection has sent'))
  await secret
  const forged = Buffer.from('hi')
  Object.defineProperty(forged, 'length', { value: 20 })
  const seen = event(peer, 'data')
  client.log('written', socket.write(forged))
  server.log(await seen)
  socket.destroy()
  peer.destroy()
  await run.close(listener)
})

// Sends without end on one connection, and a byte at a time on another.
const FLOOD = `
  const net = require('node:net')
  const target = JSON.parse(process.argv[1])
  const flood = net.connect(target)
  const block = Buffer.alloc(1 << 20)
  const pump = () => { while (flood.write(block)); flood.once('drain', pump) }
  flood.write('f')
  setTimeout(pump, 50)
  const single = net.connect(target)
  single.write('s')
  let left = 60
  single.on('data', () => { if (--left === 0) process.exit(); single.write('s') })
  for (const socket of [flood, single]) socket.on('error', () => process.exit(1))
`

scenario('one byte beside a flood', { timeout: 20000 }, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => {
    peer.on('error', () => {})
    peer.on('data', (chunk) => {
      if (chunk.length < 2) peer.write(chunk)
      // The listener of the flood is slower than the flood.
      else for (const end = performance.now() + 1; performance.now() < end;);
    })
  })
  const target = await run.listen(listener)
  const code = await new Promise((resolve) => {
    execFile(process.execPath, ['-e', FLOOD, JSON.stringify(target)], { timeout: 6000 }, (error) =>
      resolve(error ? error.code : 0),
    )
  })
  server.log('answered each', code)
  client.log('takes no part')
  await run.close(listener)
})

scenario('what lost its memory before it is written', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected()
  server.log.watch('peer', peer, ['data', 'end'])
  const written = Buffer.from(new ArrayBuffer(8))
  structuredClone(written.buffer, { transfer: [written.buffer] })
  client.log(socket.write(written, (error) => client.log('called back', error)))
  socket.end('end')
  await closed(socket, peer)
  await run.close(listener)
})

scenario('a handle that was never connected is ended', tcp, async (run) => {
  const { server, client } = run
  server.log('takes no part')
  const socket = new client.net.Socket()
  client.log.watch('socket', socket, WAY)
  socket.connect(1, '127.0.0.1')
  socket._handle.readStart = () => 0
  socket._handle.connect = (request) => {
    process.nextTick(() => request.oncomplete(0, socket._handle, request, true, true))
    return 0
  }
  await event(socket, 'connect')
  socket.end()
  await event(socket, 'finish')
  socket.destroy()
  await closed(socket)
})

scenario('a shutdown that is over at once', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected()
  client.log.watch('socket', socket, ['finish', 'error', 'close'])
  socket._handle.shutdown = () => 1
  socket.end()
  await event(socket, 'finish')
  socket.destroy()
  await closed(socket)
  peer.destroy()
  server.log('done')
  await run.close(listener)
})

scenario('getConnections() without a callback', {}, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer()
  await run.listen(listener)
  server.log(outcome(() => listener.getConnections()))
  client.log('takes no part')
  await run.close(listener)
})

scenario('nothing but empty chunks for a peer that is gone', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    serverOptions: { allowHalfOpen: true },
    accept: (peer) => server.log.watch('peer', peer, ['finish', 'error', 'close']),
  })
  peer.resume()
  peer.cork()
  for (let i = 0; i < 3; i++) peer.write('', (error) => server.log('written', error))
  socket.destroy()
  await closed(socket)
  await run.turns(6)
  client.log('gone')
  peer.uncork()
  await run.turns(6)
  peer.destroy()
  await closed(peer)
  await run.close(listener)
})
