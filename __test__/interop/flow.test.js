'use strict'

// Bytes: how they are cut, held back, counted and decoded.

const { createHash } = require('node:crypto')
const { scenario } = require('../common/harness')
const { LIFE, closed, ended, event, gate } = require('../common/tools')

const MIB = 1024 * 1024

scenario('pause and resume', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open: (socket) => client.log.watch('socket', socket, [...LIFE, 'pause']),
  })
  socket.on('resume', () => client.log('resumed'))
  peer.write('one')
  await event(socket, 'data')
  client.log('pause', socket.pause() === socket, socket.isPaused())
  peer.write('two')
  await run.turns(6)
  client.log('held back', socket.readableFlowing, socket.readableLength)
  socket.resume()
  client.log('flowing', socket.isPaused(), socket.readableFlowing)
  await event(socket, 'data')
  socket.pause()
  peer.end('three')
  await run.turns(6)
  client.log('end is held back too', socket.readableEnded)
  socket.resume()
  await closed(socket, peer)
  await run.close(listener)
})

scenario('pauseOnConnect', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    serverOptions: { pauseOnConnect: true },
    accept(peer) {
      server.log.watch('peer', peer, LIFE)
      server.log(peer.isPaused(), peer.readableFlowing)
    },
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  socket.end('waiting')
  await run.turns(6)
  server.log('nothing yet', peer.bytesRead)
  peer.resume()
  await closed(peer)
  await run.close(listener)
})

const large = { timeout: 30000 }

scenario('64 MiB through a slow reader', large, async (run) => {
  const { server, client } = run
  const SIZE = 64 * MIB
  const { listener, peer, socket } = await run.connected({
    accept(peer) {
      server.log.watch('peer', peer, ['end', 'finish', 'error', 'close'])
    },
    open(socket) {
      client.log.watch('socket', socket, ['end', 'finish', 'error', 'close'])
    },
  })

  const sent = createHash('sha256')
  const seen = { refused: 0, drained: 0, length: 0, callbacks: 0 }
  let written = 0
  const pump = () => {
    while (written < SIZE) {
      const chunk = Buffer.alloc(MIB, written / MIB)
      written += chunk.length
      sent.update(chunk)
      const more = peer.write(chunk, () => seen.callbacks++)
      seen.length = Math.max(seen.length, peer.writableLength)
      if (more !== !peer.writableNeedDrain) server.log('a wrong answer')
      if (!more) return void seen.refused++
    }
    peer.end()
  }
  peer.on('drain', () => {
    seen.drained++
    if (peer.writableLength > 0) server.log('not drained')
    pump()
  })

  const received = createHash('sha256')
  let rest = 0
  let pauses = 0
  socket.on('data', (chunk) => {
    received.update(chunk)
    rest += chunk.length
    if (rest < 4 * MIB) return
    rest = 0
    pauses++
    socket.pause()
    setTimeout(() => socket.resume(), 2)
  })

  pump()
  await closed(socket, peer)
  server.log('sent', peer.bytesWritten, sent.digest('hex'))
  server.log('had to wait', seen.refused > 0, seen.drained > 0)
  server.log('buffered at most a chunk', seen.length <= MIB)
  server.log('callbacks', seen.callbacks)
  client.log('received', socket.bytesRead, received.digest('hex'))
  client.log('was slow', pauses > 4)
  await run.close(listener)
})

scenario('200 connections at once', large, async (run) => {
  const { server, client } = run
  const COUNT = 200
  const lives = { server: new Map(), client: new Map() }
  const tally = (side, life) =>
    lives[side].set(life.join(), (lives[side].get(life.join()) ?? 0) + 1)
  const listener = server.net.createServer((peer) => {
    const life = []
    for (const name of LIFE) peer.on(name, () => life.push(name))
    peer.on('data', (chunk) => peer.write(chunk))
    peer.on('close', () => tally('server', life))
  })
  const target = await run.listen(listener, { backlog: COUNT })
  const sockets = Array.from({ length: COUNT }, (_, index) => {
    const life = []
    const socket = client.net.connect(target)
    const text = `I am number ${index}`
    socket.write(text)
    for (const name of LIFE) socket.on(name, () => life.push(name))
    socket.on('data', (echo) => {
      if (String(echo) !== text) client.log('mixed up', text, echo)
      socket.end()
    })
    socket.on('close', () => tally('client', life))
    return socket
  })
  await closed(...sockets)
  await run.close(listener)
  for (const side of ['server', 'client']) {
    run[side].log(Object.fromEntries(lives[side]))
  }
})

scenario('cork and uncork', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept(peer) {
      peer.setEncoding('utf8')
      // One vectored write arrives in one piece on the loopback: here the cut is looked at.
      peer.on('data', (text) => server.log('chunk', text))
      server.log.watch('peer', peer, ['end', 'finish', 'error', 'close'])
    },
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  const write = (part) => {
    const returned = socket.write(part, () => client.log('written', part))
    client.log(part, returned, socket.writableLength, socket.writableCorked)
  }
  socket.cork()
  socket.cork()
  write('one ')
  write('two ')
  socket.uncork()
  await run.turns(6)
  client.log('still corked', socket.writableCorked, socket.bytesWritten)
  write('three')
  socket.uncork()
  client.log('uncorked', socket.writableLength, socket.bytesWritten)
  await run.turns(6)
  socket.cork()
  write('four')
  socket.end(' and the end')
  await closed(socket, peer)
  await run.close(listener)
})

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

scenario('bytes are counted', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, LIFE),
  })
  const count = (when) => {
    client.log(when, socket.bytesWritten, socket.bytesRead)
    server.log(when, peer.bytesWritten, peer.bytesRead)
  }
  const say = async (...write) => {
    const arrived = event(peer, 'data')
    socket.write(...write)
    client.log('at once', socket.bytesWritten)
    await arrived
    await run.turns()
    count(String(write[1]))
  }
  await say('text €')
  await say('latin \xe9', 'latin1')
  await say('776f726c64', 'hex')
  await say('d29ybGQ=', 'base64')
  await say('wide', 'utf16le')
  await say(Buffer.from('buffer'))
  await say(new Uint8Array([1, 2, 3]))
  peer.end(Buffer.alloc(100000, 'x'))
  socket.resume()
  await closed(socket, peer)
  count('closed')
  await run.close(listener)
})

scenario('what write refuses', {}, async (run) => {
  const { server, client } = run
  const { outcome } = require('../common/tools')
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

scenario('many small writes in one tick', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  let told = 0
  for (let i = 0; i < 1000; i++) {
    socket.write(`${i},`, () => {
      if (told++ !== i) client.log('out of order', i)
    })
  }
  socket.write('and the last', () => client.log('callbacks', told))
  socket.end()
  await ended(peer)
  await closed(socket, peer)
  await run.close(listener)
})
