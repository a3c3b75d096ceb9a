'use strict'

// What Node's other modules make of the sockets: tls, http2, readline, web streams.

const tls = require('node:tls')
const http2 = require('node:http2')
const readline = require('node:readline')
const { Duplex, Readable, Transform, Writable } = require('node:stream')
const { scenario } = require('../common/harness')
const { closed, event, gone } = require('../common/tools')

// Not 'finish': the wrapper that Node puts around a foreign stream tells it later.
const LIFE = ['secureConnect', 'secure', 'data', 'end', 'error', 'close']

// Both sides know a key, so that no certificate is needed.
const PSK = { ciphers: 'PSK', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }
const key = Buffer.from('00112233445566778899aabbccddeeff', 'hex')
const CLIENT = {
  ...PSK,
  checkServerIdentity() {},
  pskCallback: () => ({ psk: key, identity: 'somebody' }),
}
const SERVER = { ...PSK, pskCallback: () => key, pskIdentityHint: 'hint' }

// TLS between the two ends of a connection.
async function secured(run, make, events = LIFE) {
  const found = await run.connected()
  const secureContext = tls.createSecureContext(PSK)
  const inner = new tls.TLSSocket(found.peer, { ...SERVER, isServer: true, secureContext })
  run.server.log.watch('inner', inner, events)
  const outer = make(found.socket)
  run.client.log.watch('outer', outer, events)
  return { ...found, inner, outer }
}

for (const [name, make] of [
  ['tls.connect over a socket', (socket) => tls.connect({ ...CLIENT, socket })],
  ['a TLSSocket around a socket', (socket) => new tls.TLSSocket(socket, CLIENT)],
]) {
  scenario(name, {}, async (run) => {
    const { listener, peer, socket, inner, outer } = await secured(run, make)
    // Nor is the order of the inner and the outer end the same with it.
    run.lane('peer').watch('peer', peer, ['error', 'close'])
    run.lane('socket').watch('socket', socket, ['error', 'close'])
    outer.write('hello')
    await event(inner, 'data')
    run.server.log(inner.getCipher().name, inner.encrypted)
    run.client.log(outer.getCipher().name, outer.encrypted)
    inner.write('and hello')
    await event(outer, 'data')
    outer.end('bye')
    inner.end()
    await closed(inner, outer)
    await run.close(listener)
  })
}

scenario('4 MiB through TLS over a socket', {}, async (run) => {
  const over = (socket) => tls.connect({ ...CLIENT, socket })
  const { listener, inner, outer } = await secured(run, over, ['end', 'error', 'close'])
  inner.pipe(inner)
  let length = 0
  outer.on('data', (chunk) => (length += chunk.length))
  for (let i = 0; i < 64; i++) outer.write(Buffer.alloc(65536, i))
  outer.end()
  await event(outer, 'end')
  run.client.log('back', length)
  outer.destroy()
  inner.destroy()
  await gone(inner)
  await run.close(listener)
})

scenario('TLS over a socket that is ended', {}, async (run) => {
  for (const end of ['socket', 'peer']) {
    for (const writes of [false, true]) {
      const over = (socket) => tls.connect({ ...CLIENT, socket })
      // 'end' and 'close' may change places with the wrapper.
      const found = await secured(run, over, ['error'])
      const { listener, inner, outer } = found
      // Each end hears of the other's in its own time.
      inner.resume()
      outer.resume()
      await event(outer, 'secureConnect')
      found[end].end()
      const lane = end === 'socket' ? run.client : run.server
      if (writes) (end === 'socket' ? outer : inner).write('late', (error) => lane.log(error))
      await closed(inner, outer)
      run.client.log(end, writes, inner.destroyed, outer.destroyed)
      await run.close(listener)
    }
  }
})

scenario('TLS over a socket whose stream is held up', {}, async (run) => {
  for (const way of ['paused', 'let go by a pipe', 'piped to who takes nothing']) {
    const sink = new Writable({ highWaterMark: 1, write() {} })
    const over = (socket) => {
      if (way !== 'paused') socket.pipe(sink)
      const outer = tls.connect({ ...CLIENT, socket })
      if (way === 'paused') socket.pause()
      if (way === 'let go by a pipe') socket.unpipe(sink)
      return outer
    }
    const { listener, inner, outer } = await secured(run, over, ['secureConnect', 'data', 'error'])
    run.client.log(way)
    for (let i = 0; i < 5; i++) {
      inner.write('to the client')
      await event(outer, 'data')
    }
    outer.end('to the server')
    inner.end()
    await closed(inner, outer)
    await run.close(listener)
  }
})

scenario('a slow reader of TLS over a socket', {}, async (run) => {
  const over = (socket) => tls.connect({ ...CLIENT, socket })
  const { listener, socket, inner, outer } = await secured(run, over, ['error'])
  const LENGTH = 8 << 20
  inner.resume()
  run.server.log('sends', LENGTH)
  inner.end(Buffer.alloc(LENGTH, 'x'))
  await event(outer, 'readable')
  await new Promise((resolve) => setTimeout(resolve, 100))
  // Not all of it has been taken from the kernel yet.
  run.client.log(outer.readableLength < LENGTH / 2, socket.bytesRead < LENGTH / 2)
  let length = 0
  for await (const chunk of outer) length += chunk.length
  run.client.log(length)
  await run.close(listener)
})

scenario('TLS over a socket that is destroyed', {}, async (run) => {
  const { listener, peer, socket, inner, outer } = await secured(run, (socket) =>
    tls.connect({ ...CLIENT, socket }),
  )
  outer.write('hello')
  await event(inner, 'data')
  socket.destroy()
  await closed(outer)
  run.client.log(socket.destroyed, outer.destroyed)
  await gone(peer)
  await run.close(listener)
})

scenario('http2 over sockets', {}, async (run) => {
  const { listener, peer, socket } = await run.connected()
  const http2Server = http2.createServer()
  http2Server.on('stream', (stream, headers) => {
    run.server.log('stream', headers[':path'])
    stream.respond({ ':status': 200, 'x-header': 'value' })
    stream.end('body of the answer')
  })
  http2Server.emit('connection', peer)
  const session = http2.connect('http://localhost', { createConnection: () => socket })
  run.client.log.watch('session', session, ['error', 'close'])
  const request = session.request({ ':path': '/there' })
  request.on('response', (headers) =>
    run.client.log('response', headers[':status'], headers['x-header']),
  )
  const data = run.lane('data')
  request.setEncoding('utf8').on('data', (text) => data('data', text))
  await event(request, 'end')
  session.close()
  await closed(session, socket)
  await gone(peer)
  await run.close(listener)
})

scenario('readline over a socket', {}, async (run) => {
  const { listener, peer, socket } = await run.connected()
  const lines = readline.createInterface({ input: socket })
  peer.write('one\ntw')
  await run.turns(2)
  peer.end('o\r\nthree\nlast')
  for await (const line of lines) run.client.log('line', line)
  socket.end()
  await gone(socket)
  await run.close(listener)
  run.server.log('done')
})

scenario('web streams', {}, async (run) => {
  const { listener, peer, socket } = await run.connected()
  peer.pipe(peer)
  const { readable, writable } = Duplex.toWeb(socket)
  const writer = writable.getWriter()
  await writer.write(Buffer.from('through the web '))
  await writer.write(Buffer.from('and back'))
  await writer.close()
  let text = ''
  for await (const chunk of readable) text += Buffer.from(chunk).toString()
  run.client.log(text)
  await gone(socket)
  await run.close(listener)
  run.server.log('done')
})

scenario('a readable web stream that is cancelled', {}, async (run) => {
  const { listener, peer, socket } = await run.connected()
  run.client.log.watch('socket', socket, ['end', 'error', 'close'])
  peer.on('error', () => {})
  peer.write('first')
  const reader = Readable.toWeb(socket).getReader()
  const { value } = await reader.read()
  run.client.log('read', Buffer.from(value).toString())
  await reader.cancel()
  await gone(socket)
  peer.destroy()
  await run.close(listener)
  run.server.log('done')
})

scenario('iterator helpers and compose', {}, async (run) => {
  const { listener, peer, socket } = await run.connected()
  peer.end('a b c d')
  const words = new Transform({
    readableObjectMode: true,
    transform(chunk, encoding, done) {
      for (const word of chunk.toString().split(' ')) this.push(word)
      done()
    },
  })
  run.client.log(await socket.compose(words).take(3).toArray())
  await gone(socket)
  await run.close(listener)
  run.server.log('done')
})

// As a server for several protocols on one port does.
for (const [name, give] of [
  ['behind', (socket, bytes, target) => (target.emit('connection', socket), socket.unshift(bytes))],
  ['before', (socket, bytes, target) => (socket.unshift(bytes), target.emit('connection', socket))],
]) {
  scenario(`TLS over a socket whose first bytes are put back ${name} it`, {}, async (run) => {
    const { server, client } = run
    const secure = tls.createServer(SERVER, (stream) => stream.end('secure'))
    server.log.watch('secure', secure, ['tlsClientError'])
    const listener = server.net.createServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', (bytes) => {
        socket.pause()
        give(socket, bytes, secure)
        process.nextTick(() => socket.resume())
      })
    })
    const target = await run.listen(listener)
    const socket = client.net.connect(target)
    const stream = tls.connect({ ...CLIENT, socket })
    client.log.watch('stream', stream, ['secureConnect', 'data', 'end', 'error'])
    await gone(stream)
    server.log('done')
    await run.close(listener)
  })
}

scenario('http2 over a socket whose first bytes are put back', {}, async (run) => {
  const { server, client } = run
  const sessions = http2.createServer((req, res) => res.end(`to ${req.url}`))
  sessions.on('sessionError', (error) => server.log('sessionError', error.code))
  const listener = server.net.createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (bytes) => {
      socket.pause()
      sessions.emit('connection', socket)
      socket.unshift(bytes)
    })
  })
  const target = await run.listen(listener)
  const session = http2.connect('http://somewhere', {
    createConnection: () => client.net.connect(target),
  })
  session.on('error', (error) => client.log('error', error.code))
  const stream = session.request({ ':path': '/it' })
  let text = ''
  for await (const chunk of stream) text += chunk
  client.log(text)
  session.close()
  await event(session, 'close')
  server.log('done')
  await run.close(listener)
})
