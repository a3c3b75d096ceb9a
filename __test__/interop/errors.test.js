'use strict'

// Connections and listeners that cannot be: each error in all its properties.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { check, scenario } = require('../common/harness')
const { HOST } = require('../common/endpoints')
const { FERROWIRE, sides } = require('../common/modules')
const { LIFE, closed, event, outcome } = require('../common/tools')

// What happens on the way to an address.
function watchAttempts(log, name, socket) {
  log.watch(name, socket, ['lookup'])
  for (const what of ['', 'Failed', 'Timeout']) {
    const attempt = `connectionAttempt${what}`
    socket.on(attempt, (address, port, family, error) =>
      log(`${name} ${attempt}`, { address, port, family, error }),
    )
  }
  log.watch(name, socket, LIFE)
}

const windows = process.platform === 'win32'

scenario('connection refused', {}, async (run) => {
  const { server, client } = run
  let target
  if (run.over === 'tcp') {
    target = { port: await run.freePort(), host: HOST }
  } else {
    // A socket file whose listener is gone: its own close removes only the name it knows.
    const stale = run.path('stale path')
    const listener = server.net.createServer()
    const { path: file } = await run.listen(listener)
    if (!windows) fs.renameSync(file, stale)
    await run.close(listener)
    target = { path: stale }
  }
  server.log('nobody listens')
  const socket = client.net.connect(target, () => client.log('never'))
  client.log.watch('socket', socket, LIFE)
  socket.write('lost', (error) => client.log('written', error))
  await closed(socket)
  client.log(socket.errored, socket.connecting, socket.readyState)

  // And of a socket without a user's 'error' listener there is nothing to compare: it ends the
  // process.
  const ended = client.net.connect(target)
  client.log.watch('ended', ended, LIFE)
  ended.end('all', () => client.log('ended'))
  await closed(ended)
})

scenario('a missing path', { over: ['local'] }, async (run) => {
  const { server, client } = run
  const missing = run.path('missing path')
  const socket = client.net.connect(missing)
  client.log.watch('socket', socket, LIFE)
  await closed(socket)
  const listener = server.net.createServer()
  server.log.watch('server', listener, ['listening', 'error', 'close'])
  if (windows) return
  listener.listen(`${missing}/below`)
  await event(listener, 'error')
  server.log(listener.listening, listener.address())
  const file = client.net.connect(__filename)
  client.log.watch('file', file, LIFE)
  run.rename(__filename, 'a file')
  await closed(file)
})

scenario('an address in use', {}, async (run) => {
  const { server, client } = run
  const first = server.net.createServer()
  const target = await run.listen(first)
  client.log('not used')
  const second = server.net.createServer()
  server.log.watch('second', second, ['listening', 'error', 'close'])
  server.log('listen', second.listen(target) === second)
  await event(second, 'error')
  await run.turns()
  server.log(second.listening, second.address())

  // The listener can be used again, and the first one is unharmed.
  await run.listen(second)
  server.log('a second try', second.listening)
  const again = outcome(() => second.listen(run.address()))
  server.log('twice', again)
  first.close()
  second.close()
  await closed(first, second)
})

const listening = ['listening', 'error', 'close']

scenario('ports out of range', { over: ['tcp'] }, async (run) => {
  const { server, client } = run
  for (const port of [65536, -1, 1.5, NaN, '', 'x', '0x1ffff', true, {}]) {
    client.log(
      port,
      outcome(() => client.net.connect({ port, host: HOST })),
    )
    server.log(
      port,
      outcome(() => server.net.createServer().listen({ port, host: HOST })),
    )
  }
  client.log(outcome(() => client.net.connect()))
  client.log(outcome(() => client.net.connect({})))
  client.log(outcome(() => client.net.connect({ port: 1, localPort: '1' })))
  client.log(outcome(() => client.net.connect({ port: 1, localAddress: 'x' })))
  client.log(outcome(() => client.net.connect({ port: 1, host: 5 })))
  client.log(outcome(() => client.net.connect({ port: 1, lookup: 5 })))
  client.log(outcome(() => client.net.connect({ port: 1, hints: 77 })))
  server.log(outcome(() => server.net.createServer().listen({})))
  server.log(outcome(() => server.net.createServer().listen({ fd: -5 })))
  server.log(outcome(() => server.net.createServer({}, 'no function')))
  server.log(outcome(() => server.net.createServer('no options')))
})

scenario('a path too long', { over: ['local'] }, async (run) => {
  const { server, client } = run
  const long = path.join(os.tmpdir(), 'x'.repeat(200))
  run.rename(long, 'long path')
  const socket = client.net.connect(long)
  client.log.watch('socket', socket, LIFE)
  await closed(socket)
  const listener = server.net.createServer()
  server.log.watch('server', listener, listening)
  server.log('listen', listener.listen(long) === listener)
  await event(listener, 'error')
  server.log(listener.listening)
  await run.turns()
  listener.close((error) => server.log('close callback', error))
  await run.turns()
})

// Of the scenario above older versions of Node show nothing to compare with.
check('a path too long is refused by ferrowire on every Node', async () => {
  const { net } = sides[FERROWIRE]
  const long = path.join(os.tmpdir(), 'x'.repeat(200))
  for (const attempt of [() => net.connect(long), () => net.createServer().listen(long)]) {
    const error = await event(attempt(), 'error')
    assert.equal(error.code, 'EINVAL')
    assert.equal(error.address, long)
  }
})

scenario('paths that are none', { over: ['local'] }, async (run) => {
  const { server, client } = run
  for (const bad of [5.5, {}, true, '']) {
    const socket = outcome(() => client.net.connect({ path: bad }))
    client.log(bad, socket)
    socket.destroy?.()
    const listener = server.net.createServer()
    server.log(
      bad,
      outcome(() => listener.listen({ path: bad })),
    )
    if (listener.listening) listener.close()
  }
  await run.turns()
})

scenario('a path with a null byte', { over: ['local'] }, async (run) => {
  const { server, client } = run
  const file = `${run.path()}\0more`
  const socket = client.net.connect(file)
  client.log.watch('socket', socket, LIFE)
  await closed(socket)
  const listener = server.net.createServer()
  server.log.watch('server', listener, listening)
  listener.listen(file)
  await event(listener, 'error')
})

scenario('an address that is not ours', { over: ['tcp'] }, async (run) => {
  const { server, client } = run
  // TEST-NET-1: no host has it.
  const host = '192.0.2.1'
  const listener = server.net.createServer()
  server.log.watch('server', listener, listening)
  listener.listen({ port: 0, host })
  await event(listener, 'error')
  server.log(listener.listening)
  const port = await run.freePort()
  const socket = client.net.connect({ port, host: HOST, localAddress: host })
  client.log.watch('socket', socket, LIFE)
  await closed(socket)
})

scenario('a lookup of the user', { over: ['tcp'] }, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => peer.end())
  server.log.watch('server', listener, listening)
  const { port } = await run.listen(listener)
  const attempt = async (name, lookup, options) => {
    client.log(name)
    const given = { port, host: 'some.test', lookup, ...options }
    const socket = outcome(() => client.net.connect(given))
    if (socket instanceof Error) return client.log('thrown', socket)
    watchAttempts(client.log, 'socket', socket)
    client.log('pending', socket.connecting, socket.pending)
    await closed(socket)
  }
  const answering =
    (...answer) =>
    (host, options, done) => {
      client.log('asked', host, options, options.all)
      process.nextTick(done, ...answer)
    }
  const list = [{ address: HOST, family: 4 }]
  await attempt('all', answering(null, list))
  await attempt('one', answering(null, HOST, 4), { autoSelectFamily: false })
  await attempt('four', answering(null, HOST, 4), { family: 4 })
  await attempt('synchronous', (host, options, done) => done(null, list))
  await attempt('failing', answering(new Error('no such thing')))
  await attempt('not an address', answering(null, 'nowhere', 4), { family: 4 })
  await attempt('no family', answering(null, HOST, 7), { family: 4 })
  await attempt('throwing', (host, options, done) => done(new TypeError('x')))

  client.log('destroyed in between')
  const socket = client.net.connect({
    port,
    host: 'some.test',
    lookup: (host, options, done) =>
      process.nextTick(() => {
        socket.destroy()
        done(null, list)
      }),
  })
  watchAttempts(client.log, 'socket', socket)
  await closed(socket)
  await run.turns()
  await run.close(listener)
})

scenario('several addresses', { over: ['tcp'] }, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => peer.end())
  server.log.watch('server', listener, listening)
  const { port } = await run.listen(listener)
  const addresses = [
    { address: '::1', family: 6 },
    { address: HOST, family: 4 },
    { address: '127.0.0.2', family: 4 },
  ]
  const options = {
    host: 'some.test',
    lookup: (host, options, done) => process.nextTick(done, null, addresses),
    autoSelectFamilyAttemptTimeout: 2000,
  }
  const found = client.net.connect({ port, ...options })
  watchAttempts(client.log, 'found', found)
  await closed(found)
  client.log(found.autoSelectFamilyAttemptedAddresses)

  const nobody = await run.freePort()
  const lost = client.net.connect({ port: nobody, ...options })
  watchAttempts(client.log, 'lost', lost)
  lost.on('error', ({ errors }) => client.log(errors))
  await closed(lost)
  client.log(lost.autoSelectFamilyAttemptedAddresses)
  await run.close(listener)
})

scenario('localhost, and a name that is none', { over: ['tcp'] }, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => peer.end())
  server.log.watch('server', listener, listening)
  const { port } = await run.listen(listener)
  const home = client.net.connect({ port, host: 'localhost', family: 4 })
  client.log.watch('home', home, ['lookup', ...LIFE])
  await closed(home)
  // A label longer than DNS allows is refused without asking anyone.
  const host = `${'x'.repeat(70)}.invalid`
  const lost = client.net.connect({ port, host })
  client.log.watch('lost', lost, ['lookup', ...LIFE])
  await closed(lost)
  await run.close(listener)
})
