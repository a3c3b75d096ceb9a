'use strict'

// Own addresses, several addresses, options of the IP layer, resets on the way.

const path = require('node:path')
const { Worker } = require('node:worker_threads')
const { scenario } = require('../common/harness')
const { LIFE, closed, event, gone, outcome } = require('../common/tools')

const only = { over: ['tcp'] }
const WAY = [
  'lookup',
  'connectionAttempt',
  'connectionAttemptFailed',
  'connectionAttemptTimeout',
  ...LIFE,
]

// Ports as texts, which the log then shows by their labels.
function watch(log, emitter) {
  for (const name of WAY) {
    emitter.on(name, (...args) => log(name, ...args.map((arg) => (arg > 1000 ? String(arg) : arg))))
  }
}

scenario('an own address and port', only, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => {
    server.log(peer.remoteAddress, peer.remoteFamily)
    peer.end()
  })
  const target = await run.listen(listener)
  const localPort = await run.freePort('own port')
  const forms = [
    { localAddress: '127.0.0.2' },
    { localPort },
    { localAddress: '127.0.0.3', localPort: await run.freePort('other port') },
    { localAddress: '127.0.0.1', localPort: String(localPort) },
    { localAddress: '::1' },
    { localAddress: '192.0.2.1' },
    { localPort: target.port },
    { localAddress: 'localhost' },
    { localPort: 70000 },
    { port: await run.freePort(), localPort: await run.freePort('third port') },
    { port: await run.freePort(), localAddress: '127.0.0.2' },
  ]
  for (const form of forms) {
    const socket = outcome(() => client.net.connect({ ...target, ...form }))
    client.log(form, socket)
    if (socket instanceof Error) continue
    watch(client.log, socket)
    socket.on('connect', () => {
      if (!form.localPort) run.rename(socket.localPort, 'any port')
      client.log(socket.address(), socket.localAddress)
    })
    socket.resume()
    await closed(socket)
  }
  await run.close(listener)
})

// A lookup that gives just these addresses, as of their family unless it is told another.
const lookupOf =
  (...addresses) =>
  (host, options, callback) => {
    const found = addresses.map((entry) =>
      typeof entry === 'string'
        ? { address: entry, family: entry.includes(':') ? 6 : 4 }
        : { address: entry[0], family: entry[1] },
    )
    if (options.all) callback(null, found)
    else callback(null, found[0].address, found[0].family)
  }

scenario('several addresses in turn', only, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => peer.end())
  server.log.watch('server', listener, ['connection', 'error', 'close'])
  const { port } = await run.listen(listener)
  const orders = [
    ['127.0.0.1'],
    ['::1', '127.0.0.1'],
    ['127.0.0.2', '127.0.0.3', '::1', '127.0.0.1', '127.0.0.1'],
    ['::1', '127.0.0.2'],
    ['nonsense', '127.0.0.1'],
    ['nonsense'],
    ['127.0.0.2', ['127.0.0.2', 6], '127.0.0.2', '127.0.0.1'],
    [['::1', 4], '::1'],
    [['127.0.0.1', 6]],
    [['::1', 4]],
    ['::1%nowhere'],
  ]
  for (const order of orders) {
    for (const autoSelectFamily of [true, false]) {
      const options = { host: 'a.name', port, lookup: lookupOf(...order), autoSelectFamily }
      const socket = client.net.connect(options)
      client.log(order, autoSelectFamily)
      watch(client.log, socket)
      socket.resume()
      await closed(socket)
      client.log(socket.autoSelectFamilyAttemptedAddresses)
    }
  }
  await run.close(listener)
})

// A listener whose queue is full: whoever else connects gets no answer.
async function silent(run, address) {
  const stop = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(path.join(__dirname, 'fixtures', 'never-accepts.js'), {
    workerData: { kind: run.server.kind, address, stop },
  })
  const gone = event(worker, 'exit')
  await event(worker, 'message')
  // As many as the system lets wait: one more than was asked for.
  const waiting = [run.client.net.connect(address), run.client.net.connect(address)]
  for (const socket of waiting) socket.on('error', () => {})
  await Promise.all(waiting.map((socket) => event(socket, 'connect')))
  return async () => {
    Atomics.store(stop, 0, 1)
    Atomics.notify(stop, 0)
    for (const socket of waiting) socket.destroy()
    await gone
  }
}

scenario('an address that does not answer', only, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => peer.end())
  server.log.watch('server', listener, ['error', 'close'])
  const { port } = await run.listen(listener)
  const end = await silent(run, { host: '127.0.0.2', port })
  for (const order of [
    ['127.0.0.2', '127.0.0.1'],
    ['127.0.0.2', '127.0.0.3'],
    ['127.0.0.2', '127.0.0.2', '127.0.0.1'],
  ]) {
    const lookup = lookupOf(...order)
    const options = { host: 'a.name', port, lookup, autoSelectFamilyAttemptTimeout: 40 }
    const socket = client.net.connect(options)
    client.log(order)
    watch(client.log, socket)
    socket.on('error', ({ errors }) => client.log(errors))
    socket.resume()
    await closed(socket)
    client.log(socket.autoSelectFamilyAttemptedAddresses)
  }
  // Given up while it waits.
  for (const way of ['destroy', 'timeout']) {
    const socket = client.net.connect({ host: '127.0.0.2', port })
    client.log(way)
    watch(client.log, socket)
    if (way === 'timeout') socket.setTimeout(20, () => socket.destroy(new Error('slow')))
    else setImmediate(() => socket.destroy())
    await closed(socket)
  }
  await end()
  await run.close(listener)
})

scenario('several addresses with an own port', only, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => peer.end())
  server.log.watch('server', listener, ['connection', 'error', 'close'])
  const { port } = await run.listen(listener)
  const lookup = lookupOf('::1', '127.0.0.1')
  for (const localPort of [await run.freePort('own port'), port]) {
    const socket = client.net.connect({ host: 'a.name', port, lookup, localPort })
    watch(client.log, socket)
    socket.resume()
    await closed(socket)
  }
  await run.close(listener)
})

scenario('destroyed at each step of connecting', only, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => peer.on('error', () => {}).end())
  server.log.watch('server', listener, ['error', 'close'])
  const { port } = await run.listen(listener)
  const free = await run.freePort()
  for (const step of ['lookup', 'connectionAttempt', 'connectionAttemptFailed']) {
    for (const order of [['127.0.0.2'], ['127.0.0.2', '127.0.0.1']]) {
      // The built-in module breaks there.
      if (step === 'connectionAttempt' && order.length > 1) continue
      const lookup = lookupOf(...order)
      const wanted = step === 'connectionAttemptFailed' ? free : port
      const socket = client.net.connect({ host: 'a.name', port: wanted, lookup })
      client.log(step, order)
      watch(client.log, socket)
      socket.once(step, () => socket.destroy())
      await closed(socket)
    }
  }
  await run.close(listener)
})

scenario('type of service', only, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    clientOptions: { typeOfService: 0x10 },
    open(socket) {
      const get = () => client.log(outcome(() => socket.getTypeOfService()))
      const set = () => client.log(outcome(() => socket.setTypeOfService(0x20) === socket))
      for (const step of [get, set, get, set]) step()
    },
  })
  client.log('connected', socket.getTypeOfService())
  socket.setTypeOfService(0x30)
  client.log('set', socket.getTypeOfService())
  server.log('peer', peer.getTypeOfService())
  for (const bad of [-1, 256, 1.5, NaN, '8', null, undefined]) {
    client.log(
      bad,
      outcome(() => socket.setTypeOfService(bad)),
      outcome(() => new client.net.Socket({ typeOfService: bad }).getTypeOfService()),
    )
  }
  socket.destroy()
  peer.destroy()
  await closed(socket, peer)
  client.log('closed', socket.getTypeOfService())
  await run.close(listener)
})

scenario('all forms of setKeepAlive', {}, async (run) => {
  const { client, server } = run
  const forms = [
    [],
    [true],
    [true, 1000],
    [true, 2000, 3000, 4],
    [true, 2000, 3000, 4],
    [{ enable: true, initialDelay: 5000, interval: 1000, count: 3 }],
    [{ enable: false }],
    [{}],
    [false],
    [null],
    [true, NaN, -1, 'x'],
    [true, 1e12],
  ]
  const callAll = (log, socket) => {
    for (const form of forms) {
      const result = outcome(() => socket.setKeepAlive(...form))
      log(form, result === socket || result)
    }
  }
  const { listener, peer, socket } = await run.connected({
    clientOptions: { keepAlive: true, keepAliveInitialDelay: -5 },
    serverOptions: { keepAlive: true, keepAliveInitialDelay: 1500 },
    open: (socket) => callAll(client.log, socket),
  })
  callAll(client.log, socket)
  callAll(server.log, peer)
  socket.end()
  peer.resume()
  socket.resume()
  await closed(socket, peer)
  callAll(client.log, socket)
  for (const keepAliveInitialDelay of ['x', null, NaN]) {
    client.log(outcome(() => new client.net.Socket({ keepAliveInitialDelay }).connecting))
    server.log(
      outcome(() => new server.net.Server({ keepAliveInitialDelay }).keepAliveInitialDelay),
    )
  }
  await run.close(listener)
})

scenario('resetAndDestroy at every stage', {}, async (run) => {
  const { client, server } = run
  const listener = server.net.createServer((peer) => {
    peer.on('error', () => {})
    peer.resume()
  })
  server.log.watch('server', listener, ['error', 'close'])
  const target = await run.listen(listener)
  const reset = (socket) => {
    const result = outcome(() => socket.resetAndDestroy())
    client.log('reset', result === socket || result, socket.destroyed)
  }
  const stages = {
    fresh: (socket) => reset(socket),
    connecting: (socket) => reset(socket.connect(target)),
    connected: (socket) => socket.connect(target, () => reset(socket)),
    twice(socket) {
      socket.connect(target, () => {
        reset(socket)
        reset(socket)
      })
    },
    destroyed(socket) {
      socket.connect(target, () => {
        socket.destroy()
        reset(socket)
      })
    },
  }
  for (const [stage, act] of Object.entries(stages)) {
    const socket = new client.net.Socket()
    client.log(stage)
    client.log.watch('socket', socket, LIFE)
    act(socket)
    await run.turns(8)
    if (!socket.destroyed) socket.destroy()
    await gone(socket)
  }
  await run.close(listener)
})

scenario('a path whose queue is full', { over: ['local'] }, async (run) => {
  const { server, client } = run
  const address = { path: run.path() }
  const end = await silent(run, address)
  server.log('listens, and does not accept')
  for (const way of ['waits', 'writes', 'destroys']) {
    const socket = client.net.connect(address)
    watch(client.log, socket)
    if (way === 'writes') socket.end('lost', () => client.log('ended'))
    if (way === 'destroys') socket.destroy()
    await closed(socket)
    client.log(way, socket.bytesWritten)
  }
  await end()
})

// After a connect that did not block the kernel says once more that all is well. (A local one is told EISCONN.)
scenario('connected already', {}, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => {
    server.log('connection')
    peer.on('data', (data) => server.log('data', String(data)))
    peer.on('error', () => {})
  })
  const target = await run.listen(listener)
  const socket = client.net.connect(target)
  const names = ['connectionAttemptFailed', ...LIFE]
  for (const name of names) {
    socket.on(name, (...args) => client.log(name, args.length, args.at(-1)?.code))
  }
  await event(socket, 'ready')
  const over = new Promise((resolve) => {
    socket.once('ready', resolve)
    socket.once('close', resolve)
  })
  socket.connect(target)
  await over
  client.log(socket.readyState, socket.destroyed, socket.remoteAddress)
  socket.end('still there')
  socket.resume()
  await gone(socket)
  await run.close(listener)
})
