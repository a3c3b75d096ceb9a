'use strict'

// Option `onread`: bytes land in a buffer of the user's own, no more at once than fits.

const { scenario } = require('../common/harness')
const { closed, ended, event } = require('../common/tools')

const LIFE = ['connect', 'pause', 'data', 'end', 'finish', 'error', 'close']
const text = (buffer, length) => buffer.toString('latin1', 0, length)

// A client whose `onread` is made by `make(log)`, and the end that writes to it.
async function reading(run, make, options) {
  let socket
  const found = await run.connected({
    accept: (peer) => run.server.log.watch('peer', peer, ['end', 'finish', 'error', 'close']),
    clientOptions: { onread: make(run.client.log, () => socket), ...options },
    open(opened) {
      socket = opened
      run.client.log.watch('socket', socket, LIFE)
    },
  })
  return found
}

scenario('onread with one buffer', {}, async (run) => {
  const { listener, peer, socket } = await reading(run, (log, self) => ({
    buffer: Buffer.alloc(8),
    callback(length, buffer) {
      log('bytes', length, text(buffer, length), self().bytesRead)
      process.nextTick(() => log('tick'))
      Promise.resolve().then(() => log('microtask'))
    },
  }))
  peer.end('the first 8 and then the others, 43 in all.')
  await closed(socket, peer)
  run.client.log('read', socket.bytesRead)
  await run.close(listener)
})

scenario('onread that says false', {}, async (run) => {
  let refused = 0
  const { listener, peer, socket } = await reading(run, (log) => ({
    buffer: Buffer.alloc(4),
    callback(length, buffer) {
      log('bytes', length, text(buffer, length))
      return refused++ > 1
    },
  }))
  peer.end('twelve bytes')
  for (let i = 0; i < 2; i++) {
    await run.turns(6)
    run.client.log('waiting', socket.bytesRead, socket.isPaused(), socket.readableFlowing)
    socket.resume()
  }
  await closed(socket, peer)
  await run.close(listener)
})

scenario('onread with pause and resume', {}, async (run) => {
  const { listener, peer, socket } = await reading(run, (log, self) => ({
    buffer: Buffer.alloc(4),
    callback(length, buffer) {
      log('bytes', length, text(buffer, length))
      self().pause()
    },
  }))
  peer.end('twelve bytes')
  for (let i = 0; i < 3; i++) {
    await run.turns(6)
    run.client.log('paused', socket.bytesRead, socket.isPaused())
    socket.resume()
  }
  await closed(socket, peer)
  await run.close(listener)
})

scenario('onread with read() after a pause', {}, async (run) => {
  const { listener, peer, socket } = await reading(run, (log) => ({
    buffer: Buffer.alloc(64),
    callback(length, buffer) {
      log('bytes', length, text(buffer, length))
      return false
    },
  }))
  peer.write('one')
  await run.turns(6)
  peer.write('two')
  await run.turns(6)
  run.client.log('read', socket.read())
  await run.turns(6)
  socket.destroy()
  await closed(socket, peer)
  await run.close(listener)
})

scenario('onread with a buffer made each time', {}, async (run) => {
  let made = 0
  const { listener, peer, socket } = await reading(run, (log) => ({
    buffer() {
      log('make', ++made)
      return Buffer.alloc(made * 2)
    },
    callback: (length, buffer) => void log('bytes', length, text(buffer, length), buffer.length),
  }))
  peer.end('two, four, six, eight')
  await closed(socket, peer)
  await run.close(listener)
})

scenario('onread whose generator gives nothing', {}, async (run) => {
  const { listener, peer, socket } = await reading(run, (log) => ({
    buffer: () => undefined,
    callback: (length, buffer) => void log('bytes', length, buffer),
  }))
  peer.write('first')
  await run.turns(6)
  peer.end('second')
  await closed(socket, peer)
  await run.close(listener)
})

scenario('onread with no room', {}, async (run) => {
  const { listener, peer, socket } = await reading(run, (log) => ({
    buffer: Buffer.alloc(0),
    callback: (...args) => void log('bytes', ...args),
  }))
  peer.on('error', () => {})
  peer.write('x')
  await closed(socket, peer)
  await run.close(listener)
})

scenario('onread that destroys', {}, async (run) => {
  const { listener, peer, socket } = await reading(run, (log, self) => ({
    buffer: Buffer.alloc(4),
    callback(length, buffer) {
      log('bytes', length, text(buffer, length))
      self().destroy()
    },
  }))
  peer.write('four')
  await closed(socket, peer)
  await run.close(listener)
})

scenario('onread forms that are none', {}, async (run) => {
  const callback = () => run.client.log('never')
  const forms = [null, 7, 'x', callback, {}, { buffer: 'x', callback }, { buffer: Buffer.alloc(4) }]
  for (const onread of forms) {
    const { listener, peer, socket } = await reading(run, () => onread)
    peer.end('plain')
    await Promise.all([ended(socket), closed(socket, peer)])
    await run.close(listener)
  }
})

scenario('onread on a socket that connects twice', {}, async (run) => {
  const listener = run.server.net.createServer((peer) => peer.end('hello'))
  const target = await run.listen(listener)
  const { log } = run.client
  const socket = new run.client.net.Socket({
    onread: {
      buffer: Buffer.alloc(3),
      callback: (length, buffer) => void log('bytes', length, text(buffer, length)),
    },
  })
  log.watch('socket', socket, LIFE)
  for (let i = 0; i < 2; i++) {
    socket.connect(target)
    await event(socket, 'close')
    log('read', socket.bytesRead)
  }
  run.server.log('done')
  await run.close(listener)
})
