'use strict'

// A socket as the stream it is: the ways to read it and to write it.

const { scenario } = require('../common/harness')
const { LIFE, closed, event, gate, outcome } = require('../common/tools')

scenario('setEncoding and a character in two pieces', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open(socket) {
      client.log('setEncoding', socket.setEncoding('utf8') === socket)
      client.log.watch('socket', socket, ['end', 'error', 'close'])
      socket.on('data', (text) => client.log('text', text))
    },
  })
  const bytes = Buffer.from('a€b😀c')
  for (const byte of bytes) {
    peer.write(Buffer.of(byte))
    await run.turns(4)
  }
  client.log(socket.bytesRead, socket.readableEncoding)
  // Not a whole character at the end.
  peer.end(bytes.subarray(0, 3))
  await closed(socket, peer)
  await run.close(listener)
})

scenario('once and async iteration', {}, async (run) => {
  const { server, client } = run
  const { once } = require('node:events')
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open: (socket) => client.log.watch('socket', socket, ['end', 'close']),
  })
  const first = once(socket, 'data')
  peer.write('for once')
  client.log(await first)
  socket.pause()
  const step = gate()
  const text = []
  const reading = (async () => {
    for await (const chunk of socket) {
      text.push(String(chunk))
      step.open()
    }
  })()
  peer.write('for await, ')
  await step.opened
  peer.end('to the end')
  await reading
  client.log(text.join(''), socket.destroyed)
  await closed(peer)
  await run.close(listener)
})

scenario('leaving an async iteration', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open: (socket) => client.log.watch('socket', socket, ['end', 'close']),
  })
  peer.write('enough')
  for await (const chunk of socket) {
    client.log('chunk', chunk)
    break
  }
  client.log('left', socket.destroyed)
  await closed(peer)
  await run.close(listener)
})

scenario('pipe back and read with readable', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept(peer) {
      server.log('pipe', peer.pipe(peer) === peer)
      server.log.watch('peer', peer, ['end', 'finish', 'error', 'close'])
    },
    open: (socket) => client.log.watch('socket', socket, ['end', 'close']),
  })
  socket.on('readable', () => {
    for (let part; (part = socket.read()) !== null;) client.log.data('socket', part)
  })
  socket.write(Buffer.alloc(300000, 'abc'))
  socket.write('...')
  socket.end('end')
  await closed(socket, peer)
  client.log(socket.bytesRead)
  await run.close(listener)
})

scenario('pipeline, and one that fails', {}, async (run) => {
  const { server, client } = run
  const { Readable, Transform, pipeline } = require('node:stream')
  const listener = server.net.createServer((peer) => {
    server.log.watch('peer', peer, ['end', 'finish', 'error', 'close'])
    const upper = new Transform({
      transform: (chunk, _, done) => done(null, String(chunk).toUpperCase()),
    })
    pipeline(peer, upper, peer, (error) => server.log('pipeline', error))
  })
  const target = await run.listen(listener)
  const good = client.net.connect(target)
  client.log.watch('good', good, LIFE)
  pipeline(Readable.from(['one', 'two', 'three']), good, (error) => client.log('pipeline', error))
  await closed(good)
  await run.settled(listener)

  const bad = client.net.connect(target)
  client.log.watch('bad', bad, LIFE)
  const source = new Readable({ read() {} })
  pipeline(source, bad, (error) => client.log('pipeline', error))
  await event(bad, 'connect')
  await run.turns(4)
  source.destroy(new Error('the source broke'))
  await closed(bad)
  await run.close(listener)
})

scenario('reading into a buffer of the user', {}, async (run) => {
  const { server, client } = run
  const into = Buffer.alloc(8)
  let keep = true
  let text = ''
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open: (socket) => client.log.watch('socket', socket, LIFE),
    clientOptions: {
      onread: {
        buffer: into,
        callback(length, buffer) {
          client.log(buffer === into, length <= into.length)
          text += buffer.toString('latin1', 0, length)
          return keep
        },
      },
    },
  })
  keep = false
  peer.write('short')
  await run.turns(6)
  client.log('stopped', text, socket.bytesRead)
  keep = true
  peer.write('12345678')
  await run.turns(6)
  client.log('still stopped', text)
  socket.resume()
  await run.turns(6)
  client.log('resumed', text)
  peer.end('more')
  await closed(socket, peer)
  client.log(text)
  await run.close(listener)
})

scenario('what write refuses', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  for (const chunk of [null, undefined, 1, {}, [], true]) {
    client.log(
      chunk,
      outcome(() => socket.write(chunk)),
    )
  }
  client.log(outcome(() => socket.write('x', 'no such encoding')))
  client.log('empty', socket.write(''), socket.write(Buffer.alloc(0)))
  socket.end(new DataView(new ArrayBuffer(2)))
  await closed(peer)
  await run.close(listener)
})
