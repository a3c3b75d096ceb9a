'use strict'

// Every form of listen(), its options of the IP layer and of paths, and net.BoundSocket.

const fs = require('node:fs')
const { inspect } = require('node:util')
const { scenario } = require('../common/harness')
const { HOST } = require('../common/endpoints')
const { LIFE, closed, event, outcome } = require('../common/tools')

const tcp = { over: ['tcp'] }
const local = { over: ['local'] }
const SERVER = ['listening', 'error', 'close']

// Resolves when `listener` listens or cannot.
const decided = (listener) => Promise.race([event(listener, 'listening'), event(listener, 'error')])

async function visit(run, name, target) {
  const socket = run.client.net.connect(target)
  run.client.log.watch(name, socket, ['data', 'end', 'error', 'close'])
  await closed(socket)
}

scenario('the forms of listen', tcp, async (run) => {
  const { server } = run
  const port = await run.freePort('port')
  const path = run.path()
  const forms = [
    [],
    [(...args) => server.log('callback', args)],
    [undefined],
    [null],
    [port],
    [String(port), HOST],
    [port, HOST, 5],
    [port, HOST, (...args) => server.log('callback', args)],
    [port, 5, (...args) => server.log('callback', args)],
    [port, HOST, 5, (...args) => server.log('callback', args)],
    [{ port }],
    [{ port, host: HOST, backlog: 1 }, (...args) => server.log('callback', args)],
    [{ port: undefined }],
    [path],
    [path, 5, (...args) => server.log('callback', args)],
    [{ path, exclusive: true }],
    // Wrong ones.
    [true],
    [{}],
    [{ host: HOST }],
    [{ port: 'x' }],
    [{ port: -1 }],
    [{ path: 5 }],
    [{ fd: 9999 }],
    [{ port, signal: {} }],
    [Symbol('s')],
  ]
  for (const form of forms) {
    if (form[0] === path) fs.rmSync(path, { force: true })
    const listener = server.net.createServer((peer) => peer.end('hello'))
    server.log.watch('server', listener, SERVER)
    const result = outcome(() => listener.listen(...form))
    server.log(inspect(form), result === listener || result, listener.listening)
    if (result !== listener) continue
    const again = outcome(() => listener.listen(...form))
    server.log('again', again === listener || again)
    await decided(listener)
    if (!listener.listening) continue
    const address = listener.address()
    if (address.port !== port) run.rename(address.port, 'any port')
    run.rename(address, 'a path')
    server.log('at', address)
    await visit(
      run,
      'visitor',
      address.port ? { port: address.port, host: HOST } : { path: address },
    )
    listener.close()
    await event(listener, 'close')
  }
})

scenario('an abstract name', local, async (run) => {
  const { server } = run
  const path = `\0ferrowire-${process.pid}-${run.server.kind}-${run.client.kind}`
  run.rename(path, 'name')
  const listener = server.net.createServer((peer) => peer.end('hello'))
  server.log.watch('server', listener, SERVER)
  run.follow(listener)
  listener.listen(path)
  await event(listener, 'listening')
  server.log(listener.address())
  await visit(run, 'visitor', { path })
  await run.close(listener)
  await visit(run, 'late', { path })
})

scenario('listening on a handle, and twice', tcp, async (run) => {
  const { server } = run
  const first = server.net.createServer((peer) => peer.end('first'))
  const target = await run.listen(first)
  const second = server.net.createServer((peer) => peer.end('second'))
  server.log.watch('second', second, SERVER)
  const handle = first._handle
  first._handle = null
  second.listen({ _handle: handle }, () => server.log('callback'))
  await event(second, 'listening')
  await visit(run, 'visitor', target)
  second.close()
  await event(second, 'close')
  const third = server.net.createServer()
  server.log(
    'bare',
    outcome(() => third.listen({ handle: {} })),
  )
})

scenario('ports shared and not shared', tcp, async (run) => {
  const { server } = run
  const port = await run.freePort('port')
  const pairs = [
    [{}, {}],
    [{ reusePort: true }, { reusePort: true }],
    [{ reusePort: true }, {}],
    [{ exclusive: true }, { exclusive: true }],
    [{ host: '::', ipv6Only: true }, { host: '0.0.0.0' }],
    [{ host: '::' }, { host: '0.0.0.0' }],
    [{ host: '127.0.0.2' }, { host: '127.0.0.3' }],
    [{ host: '192.0.2.1' }, {}],
  ]
  for (const pair of pairs) {
    const listeners = []
    for (const [i, options] of pair.entries()) {
      const listener = server.net.createServer((peer) => peer.end('hello'))
      server.log.watch(`server ${i}`, listener, SERVER)
      listener.listen({ port, host: HOST, ...options })
      server.log(options)
      await decided(listener)
      server.log(listener.address())
      if (listener.listening) listeners.push(listener)
    }
    if (listeners.length > 1) {
      const { address, family } = listeners[1].address()
      const host =
        address === '::' || address === '0.0.0.0' ? { IPv4: HOST, IPv6: '::1' }[family] : address
      await visit(run, 'visitor', { port, host })
    }
    for (const listener of listeners) {
      listener.close()
      await event(listener, 'close')
    }
  }
})

scenario('who may use a path', local, async (run) => {
  const { server } = run
  for (const options of [
    {},
    { readableAll: true },
    { writableAll: true },
    { readableAll: true, writableAll: true },
    { readableAll: 1 },
  ]) {
    const path = run.path()
    const listener = server.net.createServer((peer) => peer.end('hello'))
    server.log.watch('server', listener, SERVER)
    listener.listen({ path, ...options })
    await event(listener, 'listening')
    server.log(options, (fs.statSync(path).mode & 0o777).toString(8))
    await visit(run, 'visitor', { path })
    listener.close()
    await event(listener, 'close')
    server.log('left', fs.existsSync(path))
  }
  const abstract = { path: `\0ferrowire-${process.pid}-all`, readableAll: true }
  server.log(outcome(() => server.net.createServer().listen(abstract)).code)
})

scenario('a listening descriptor of another process', tcp, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer()
  const target = await run.listen(listener)
  const { fd } = listener._handle
  const { child, exited } = run.spawn(server, 'listen-fd.js', { fd: 3 }, [fd])
  await event(child.stdout, 'data')
  listener.close()
  await visit(run, 'visitor', target)
  const { code, stdout, stderr } = await exited
  server.log(code, stdout, stderr)
  client.log('done')
})

scenario('a signal for listen', {}, async (run) => {
  const { server } = run
  const steps = {
    before: (controller, start) => (controller.abort(), start()),
    'at once': (controller, start) => (start(), controller.abort()),
    'when it listens': (controller, start) =>
      start().on('listening', () => controller.abort(new Error('why'))),
    'when it is closed': (controller, start) =>
      start()
        .on('listening', () => setImmediate(() => controller.abort()))
        .on('listening', () => controller.listener.close()),
  }
  for (const [step, act] of Object.entries(steps)) {
    const controller = new AbortController()
    const listener = server.net.createServer()
    controller.listener = listener
    server.log.watch(step, listener, SERVER)
    act(controller, () => listener.listen({ ...run.address(), signal: controller.signal }))
    await closed(listener)
    await run.turns(2)
    server.log(step, listener.listening)
  }
  run.client.log('done')
})

scenario('a bound socket', tcp, async (run) => {
  const { server, client } = run
  const { BoundSocket } = server.net
  const wrong = [
    null,
    5,
    { port: -1 },
    { port: 'x' },
    { host: 5 },
    { host: 'localhost' },
    { host: '192.0.2.1' },
    { ipv6Only: 1 },
    { reusePort: 'x' },
    { path: 5 },
    { path: '/x', port: 1 },
    { path: '/no/such/place' },
  ]
  for (const options of wrong)
    server.log(
      options,
      outcome(() => new BoundSocket(options)),
    )
  server.log(outcome(() => BoundSocket()))

  const first = new BoundSocket({ host: HOST })
  const { port } = first.address()
  run.rename(port, 'port')
  server.log(first.address(), first.isPipe, typeof first.fd(), first.fd() > 2, first)
  server.log(
    'in use',
    outcome(() => new BoundSocket({ host: HOST, port })),
  )
  first.close()
  for (const name of ['address', 'fd', 'close'])
    server.log(
      name,
      outcome(() => first[name]()),
    )
  server.log('isPipe', first.isPipe, first[Symbol.dispose]())

  // Every way to adopt one.
  const adoptions = {
    listen: (listener, bound) => listener.listen(bound, () => server.log('callback')),
    handle: (listener, bound) => listener.listen({ handle: bound }),
    backlog: (listener, bound) => listener.listen(bound, 5),
  }
  for (const [how, adopt] of Object.entries(adoptions)) {
    const bound = new BoundSocket({ host: HOST, port })
    const listener = server.net.createServer((peer) => peer.end('hello'))
    server.log.watch(how, listener, SERVER)
    adopt(listener, bound)
    server.log(
      'adopted',
      outcome(() => bound.address()),
      outcome(() => bound[Symbol.dispose]()),
    )
    server.log(
      'twice',
      outcome(() => server.net.createServer().listen(bound)),
    )
    await event(listener, 'listening')
    server.log(listener.address())
    await visit(run, how, { port, host: HOST })
    listener.close()
    await event(listener, 'close')
  }

  const listener = server.net.createServer((peer) => {
    server.log('from', peer.remotePort === own, peer.remoteAddress)
    peer.end('hello')
  })
  const target = await run.listen(listener)
  const bound = new client.net.BoundSocket({ host: '127.0.0.2' })
  const own = bound.address().port
  run.rename(own, 'own port')
  const socket = new client.net.Socket({ handle: bound })
  client.log(socket.connecting, socket.localPort === own, socket.localAddress, socket.readyState)
  client.log.watch('socket', socket, LIFE)
  socket.connect(target)
  await closed(socket)
  const refused = new client.net.Socket({ handle: new client.net.BoundSocket({ host: HOST }) })
  client.log.watch('refused', refused, ['error', 'close'])
  refused.connect({ port: await run.freePort(), host: HOST })
  refused.on('error', ({ localPort }) => run.rename(localPort, 'another port'))
  await closed(refused)
  await run.close(listener)
})

scenario('a bound path', local, async (run) => {
  const { server, client } = run
  const path = run.path()
  const bound = new server.net.BoundSocket({ path })
  server.log(bound.address(), bound.isPipe, bound.fd() > 2, fs.existsSync(path))
  server.log(
    'in use',
    outcome(() => new server.net.BoundSocket({ path })),
  )
  const listener = server.net.createServer((peer) => peer.end('hello'))
  server.log.watch('server', listener, SERVER)
  listener.listen(bound)
  await event(listener, 'listening')
  server.log(listener.address())
  await visit(run, 'visitor', { path })

  const own = new client.net.BoundSocket({ path: run.path('own path') })
  const socket = new client.net.Socket({ handle: own })
  client.log.watch('socket', socket, LIFE)
  socket.connect({ path })
  await closed(socket)
  listener.close()
  await event(listener, 'close')
  const unused = new server.net.BoundSocket({ path: `\0ferrowire-${process.pid}-bound` })
  unused.close()
  server.log('left', fs.existsSync(path))
})
