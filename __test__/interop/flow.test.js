'use strict'

// Bytes in quantity: held back, gathered, counted.

const { createHash } = require('node:crypto')
const { scenario } = require('../common/harness')
const { LIFE, closed, ended, event, gone } = require('../common/tools')

const MIB = 1024 * 1024
const large = { timeout: 30000 }

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

scenario('thousands of small writes wait for the loop', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected()
  let text = ''
  peer.on('data', (chunk) => (text += chunk))
  socket.cork()
  for (let i = 0; i < 2500; i++)
    socket.write(`${i},`, i === 2499 ? () => client.log('written') : undefined)
  socket.uncork()
  client.log(socket.bytesWritten)
  process.nextTick(() => client.log('tick'))
  await new Promise((resolve) => socket.write('end', resolve))
  client.log(socket.bytesWritten)
  socket.end()
  await gone(peer)
  server.log(text.length, text.endsWith('2499,end'))
  await run.close(listener)
})
