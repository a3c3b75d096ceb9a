'use strict'

// Connections that do not end as both sides would like.

const { scenario } = require('../common/harness')
const { LIFE, closed, ended, event, outcome } = require('../common/tools')

const WITHOUT_DATA = LIFE.filter((name) => name !== 'data')
const MIB = 1024 * 1024

// Writes until the kernel and the peer's buffers are full and nothing moves any more.
async function fill(run, writer, log) {
  for (let quiet = 0; quiet < 5; quiet++) {
    while (!writer.writableNeedDrain) {
      quiet = 0
      writer.write(Buffer.alloc(MIB), (error) => {
        if (writer.destroyed) log('not written', error)
      })
    }
    await run.turns(2)
    await run.wait(1)
  }
}

scenario('the client destroys in mid-transfer', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open: (socket) => client.log.watch('socket', socket, WITHOUT_DATA),
  })
  socket.pause()
  await fill(run, peer, server.log)
  client.log('destroy', socket.destroy() === socket, socket.destroyed)
  client.log(socket.readyState, socket.readable, socket.writable)
  await closed(peer)
  server.log(peer.destroyed, peer.writableFinished, peer.errored)
  await run.close(listener)
})

scenario('the server destroys in mid-transfer', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    serverOptions: { pauseOnConnect: true },
    accept: (peer) => server.log.watch('peer', peer, WITHOUT_DATA),
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  await fill(run, socket, client.log)
  peer.destroy()
  await closed(socket)
  client.log(socket.destroyed, socket.writableFinished, socket.errored)
  await run.close(listener)
})

for (const [who, other] of [
  ['client', 'server'],
  ['server', 'client'],
]) {
  scenario(`reset by the ${who}`, {}, async (run) => {
    const { server, client } = run
    const { listener, peer, socket } = await run.connected({
      accept: (peer) => server.log.watch('peer', peer, LIFE),
      open: (socket) => client.log.watch('socket', socket, LIFE),
    })
    const [near, far] = who === 'client' ? [socket, peer] : [peer, socket]
    const { log } = run[who]
    near.write('before')
    await event(far, 'data')
    // Only TCP has a reset.
    const result = outcome(() => near.resetAndDestroy())
    log('resetAndDestroy', result === near || result)
    log(near.destroyed, near.readyState)
    if (run.over !== 'tcp') near.destroy()
    await closed(far)
    run[other].log(far.errored, far.readyState)
    await run.close(listener)
  })
}

scenario('reset before the connection stands', {}, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => {
    server.log.watch('peer', peer, LIFE)
  })
  const target = await run.listen(listener)
  const socket = client.net.connect(target)
  client.log.watch('socket', socket, LIFE)
  const result = outcome(() => socket.resetAndDestroy())
  client.log(result === socket || result, socket.destroyed)
  if (run.over !== 'tcp') socket.destroy()
  await closed(socket)
  const unused = new client.net.Socket()
  client.log.watch('unused', unused, LIFE)
  client.log(outcome(() => unused.resetAndDestroy()) === unused)
  await run.turns()
  await run.close(listener)
  server.log('closed')
})

scenario('write after end', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  socket.end('all')
  client.log(socket.write('more', (error) => client.log('written', error)))
  socket.end('and more', (error) => client.log('ended', error))
  await closed(socket, peer)
  socket.write('late', (error) => client.log('written late', error))
  await run.turns()
  await run.close(listener)
})

scenario('write after the peer has closed', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    clientOptions: { allowHalfOpen: true },
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  peer.destroy()
  await ended(socket)
  await run.turns()
  // TCP learns from the answer to the first write, a local socket at once.
  for (const part of ['first', 'second', 'third']) {
    socket.write(part, (error) => client.log('written', part, error))
    await run.turns(4)
  }
  client.log(socket.destroyed)
  await run.close(listener)
})

scenario('what a failed write counts', { over: ['local'] }, async (run) => {
  const { client } = run
  const listener = run.server.net.createServer((peer) => peer.destroy())
  const target = await run.listen(listener)
  const writes = {
    text: (socket) => socket.write('é'.repeat(10)),
    latin1: (socket) => socket.write('e'.repeat(10), 'latin1'),
    'a long text': (socket) => socket.write('é'.repeat(20_000)),
    utf16le: (socket) => socket.write('é'.repeat(10), 'utf16le'),
    'as much utf16le as is tried': (socket) => socket.write('é'.repeat(8192), 'utf16le'),
    'a long utf16le': (socket) => socket.write('é'.repeat(8193), 'ucs2'),
    ascii: (socket) => socket.write('e'.repeat(10), 'ascii'),
    hex: (socket) => socket.write('e5'.repeat(10), 'hex'),
    bytes: (socket) => socket.write(Buffer.alloc(10)),
    'two texts': (socket) => [socket.write('one'), socket.write('two')],
    'a last text': (socket) => socket.end('last'),
  }
  for (const [what, write] of Object.entries(writes)) {
    const socket = client.net.connect({ ...target, allowHalfOpen: true })
    socket.on('error', (error) => client.log('error', error))
    await event(socket, 'connect')
    await run.turns(6)
    write(socket)
    client.log(what, socket.bytesWritten)
    await closed(socket)
    client.log('closed', socket.bytesWritten)
  }
  await run.close(listener)
  run.server.log('done')
})

scenario('write in end, with allowHalfOpen false', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  const answered = event(socket, 'end').then(() => {
    const written = (error) => client.log('written', error)
    client.log('write', socket.write('too late', written))
  })
  peer.end('last words')
  await answered
  await closed(peer)
  await run.close(listener)
})

scenario('a reset that a paused socket meets in its write', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open(socket) {
      // First of all: a 'data' listener would have begun to read.
      socket.pause()
      client.log.watch('socket', socket, LIFE)
    },
  })
  if (run.over === 'tcp') peer.resetAndDestroy()
  else peer.destroy()
  await run.turns(6)
  client.log('not told', socket.destroyed, socket.readyState)
  for (const part of ['first', 'second']) {
    socket.write(part, (error) => client.log('written', part, error))
    await run.turns(4)
  }
  socket.destroy()
  await run.turns()
  await run.close(listener)
})

scenario('a FIN that a paused socket meets when it resumes', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open(socket) {
      socket.pause()
      client.log.watch('socket', socket, LIFE)
    },
  })
  peer.end('read me first')
  await event(peer, 'finish')
  await run.turns(6)
  client.log('resume', socket.readableLength, socket.isPaused())
  socket.resume()
  await closed(socket, peer)
  await run.close(listener)
})

scenario('destroy with an error', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  socket.write('buffered', (error) => client.log('written', error))
  client.log('destroy', socket.destroy(new TypeError('enough')) === socket)
  process.nextTick(() => client.log('next tick'))
  setImmediate(() => client.log('immediate'))
  socket.destroy(new Error('not seen'))
  client.log(socket.errored, socket.closed, socket.readyState)
  await closed(peer)
  socket.write('late', (error) => client.log('written late', error))
  socket.end(() => client.log('never ended'))
  await run.turns()
  await run.close(listener)
})

scenario('destroyed before the connection stands', {}, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => {
    server.log.watch('peer', peer, LIFE)
  })
  const target = await run.listen(listener)
  const socket = client.net.connect(target, () => client.log('callback'))
  client.log.watch('socket', socket, LIFE)
  socket.write('lost', (error) => client.log('written', error))
  socket.destroy()
  client.log(socket.connecting, socket.destroyed, socket.readyState)
  await closed(socket)
  await run.turns(6)
  await run.settled(listener)

  const failing = client.net.connect(target)
  client.log.watch('failing', failing, LIFE)
  failing.destroy(new Error('changed my mind'))
  await closed(failing)
  await run.turns(6)
  await run.close(listener, (error) => server.log('close callback', error))
})

scenario('destroySoon and destroy after end', {}, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    serverOptions: { allowHalfOpen: true },
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  socket.write('flushed')
  client.log(socket.destroySoon(), socket.destroyed, socket.writableEnded)
  await closed(socket)
  await run.turns()
  server.log(peer.readyState, peer.destroyed)
  peer.destroy()
  await closed(peer)
  await run.close(listener)
})

scenario('an AbortSignal', {}, async (run) => {
  const { server, client } = run
  const controller = new AbortController()
  const { listener, socket } = await run.connected({
    clientOptions: { signal: controller.signal },
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  client.log('abort', controller.abort(), socket.destroyed)
  await closed(socket)

  const aborted = AbortSignal.abort(new Error('before it began'))
  const late = new client.net.Socket({ signal: aborted })
  client.log.watch('late', late, LIFE)
  await closed(late)
  const bad = outcome(() => new client.net.Socket({ signal: 'now' }))
  client.log('not a signal', bad)
  await run.turns(6)

  await run.close(listener)
  const stop = new AbortController()
  const second = server.net.createServer()
  server.log.watch('second', second, ['listening', 'error', 'close'])
  await run.listen(second, { signal: stop.signal })
  stop.abort()
  await closed(second)
  server.log('listening', second.listening)
})
