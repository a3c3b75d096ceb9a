'use strict'

// What concerns a whole process: exceptions, exit, worker threads, two copies of the code.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { Worker } = require('node:worker_threads')
const { scenario } = require('../common/harness')
const { LIFE, closed, event, gone } = require('../common/tools')
const { toward, watchRequest } = require('../common/http')

const apart = { apart: true, timeout: 10000 }

scenario('an exception in a listener', apart, async (run) => {
  const { server, client } = run
  process.on('uncaughtException', (error, origin) => server.log('uncaughtException', error, origin))
  const listener = server.net.createServer((peer) => {
    server.log.watch('peer', peer, LIFE)
    peer.on('data', (chunk) => {
      process.nextTick(() => server.log('tick', chunk))
      if (String(chunk) === 'bad') throw new TypeError(`thrown for ${chunk}`)
      peer.write(chunk)
    })
  })
  const target = await run.listen(listener)
  const open = async (name) => {
    const socket = client.net.connect(target)
    const accepted = event(listener, 'connection')
    await event(socket, 'connect')
    const peer = await accepted
    client.log.watch(name, socket, LIFE)
    await run.turns(2)
    return { socket, peer }
  }
  const all = [await open('first'), await open('second'), await open('third')]
  const [first, second, third] = all.map(({ socket }) => socket)
  // All three are read in one turn; the one in the middle throws.
  const echoes = [event(first, 'data'), event(third, 'data')]
  first.write('good')
  second.write('bad')
  third.write('good')
  await Promise.all(echoes)
  await run.turns(4)
  const again = event(second, 'data')
  second.write('better')
  await again
  for (const { socket, peer } of all) {
    socket.end()
    await closed(socket, peer)
  }
  await run.close(listener)
})

scenario('exceptions everywhere else', apart, async (run) => {
  const { server, client } = run
  process.on('uncaughtException', ({ message }, origin) => {
    const side = message.startsWith('client') ? client : server
    side.log('uncaughtException', message, origin)
  })
  const explode = (what) => () => {
    throw new Error(what)
  }
  let peer
  const listener = server.net.createServer((accepted) => {
    peer = accepted
    peer.on('end', explode('server end'))
    peer.on('close', explode('server connection close'))
    peer.resume()
    throw new Error('server connection')
  })
  listener.on('close', explode('server close'))
  const target = await run.listen(listener)
  const socket = client.net.connect(target, explode('client connect'))
  client.log.watch('socket', socket, LIFE)
  // None of the events can be waited for: the first listener throws.
  await run.wait(30)
  socket.write('x', explode('client write callback'))
  await run.turns(4)
  process.nextTick(explode('client tick'))
  setImmediate(explode('client immediate'))
  queueMicrotask(explode('client microtask'))
  await run.turns(4)
  socket.end(explode('client end callback'))
  await run.wait(30)
  client.log(socket.destroyed, socket.readyState)
  socket.destroy()
  server.log(peer.destroyed, peer.readyState)
  peer.destroy()
  listener.close(explode('server close callback'))
  await run.wait(30)
})

scenario('rejections in async listeners', apart, async (run) => {
  const { server, client } = run
  process.on('unhandledRejection', (error) => server.log('unhandledRejection', error.message))
  const { listener, peer, socket } = await run.connected({
    accept(peer) {
      peer.on('data', async (chunk) => {
        server.log('data', chunk)
        await null
        throw new Error(`rejected ${chunk}`)
      })
    },
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  for (const part of ['one', 'two']) {
    socket.write(part)
    await run.turns(4)
  }
  socket.end()
  await closed(socket, peer)
  await run.close(listener)
})

scenario('an exception that nobody catches', apart, async (run) => {
  const { server, client } = run
  const { socket } = await run.connected({
    accept(peer) {
      server.log.watch('peer', peer, LIFE)
      peer.on('data', () => {
        throw new Error('the end of the process')
      })
    },
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  run.atExit((code) => server.log('exit', code))
  socket.write('now')
  await closed(socket)
})

scenario('an error that nobody listens to', apart, async (run) => {
  const { server, client } = run
  server.log('not there')
  run.atExit((code) => client.log('exit', code))
  const socket = client.net.connect(run.path())
  socket.on('close', () => client.log('close'))
  await run.wait(1000)
  client.log('not reached')
})

scenario('unref lets the process end', apart, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  run.atExit((code) => {
    server.log('exit', code, listener.listening, peer.destroyed)
    client.log('exit', code, socket.destroyed)
  })
  const arrived = event(peer, 'data')
  socket.write('one more')
  await arrived
  listener.unref()
  peer.unref()
  socket.unref()
  // Without a referenced handle this promise is never kept.
  await event(socket, 'data')
})

scenario('what is referenced again keeps it alive', apart, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => {
    // How far this end gets is not determined: nothing waits for it.
    peer.unref()
    setTimeout(() => peer.end('late'), 50).unref()
  })
  listener.unref()
  const target = await run.listen(listener)
  const socket = client.net.connect(target)
  socket.unref()
  socket.ref()
  client.log.watch('socket', socket, LIFE)
  await closed(socket)
  run.atExit((code) => server.log('exit', code, listener.listening))
})

scenario('an unreferenced socket that is read again lets the process end', apart, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    serverOptions: { pauseOnConnect: true },
    accept: (peer) => peer.unref(),
  })
  run.atExit((code) => {
    server.log('exit', code, listener.listening, peer.destroyed, peer.isPaused())
    client.log('exit', code, socket.destroyed)
  })
  listener.unref()
  socket.unref()
  setTimeout(() => {
    peer.resume()
    socket.pause()
    socket.resume()
  }, 20)
  await event(peer, 'data')
})

// More than the engine tells JavaScript of at once, in a process that nothing else keeps alive.
scenario('thousands of sockets that are closed at once', {}, async (run) => {
  const { server, client } = run
  const { exited } = run.spawn(client, 'close-many.js', { target: run.path() })
  const { code, stdout, stderr } = await exited
  client.log('gone', code, stdout, stderr)
  server.log('done')
})

scenario('a process ends by itself when all is closed', apart, async (run) => {
  const { server, client } = run
  const { listener, peer, socket } = await run.connected({
    accept: (peer) => server.log.watch('peer', peer, LIFE),
    open: (socket) => client.log.watch('socket', socket, LIFE),
  })
  process.on('beforeExit', (code) => server.log('beforeExit', code))
  run.atExit((code) => server.log('exit', code))
  socket.end('bye')
  await closed(peer)
  await run.close(listener)
})

scenario('exit right after write', {}, async (run) => {
  const { server, client } = run
  const ask = async (args) => {
    const { child, exited } = run.spawn(client, 'say-and-exit.js', args)
    const accepted = event(listener, 'connection')
    const [peer] = await Promise.all([accepted, event(child.stdout, 'data')])
    child.stdin.end('go\n')
    const { code, signal, stderr } = await exited
    client.log('gone', code, signal, stderr)
    return peer
  }
  const listener = server.net.createServer()
  const target = await run.listen(listener)
  listener.once('connection', (peer) => server.log.watch('small', peer, LIFE))
  const parts = ['one, ', 'two, ', 'three']
  await gone(await ask({ target, parts }))

  // Much more than the kernel takes: the peer gets a part of it and then the end.
  let bytes = 0
  let strange = 0
  listener.once('connection', (peer) => {
    server.log.watch('large', peer, ['end', 'finish', 'error', 'close'])
    peer.on('data', (chunk) => {
      bytes += chunk.length
      strange += chunk.filter((byte) => byte !== 120).length
    })
  })
  const size = 64 << 20
  await gone(await ask({ target, parts: [], size }))
  server.log('a part', bytes > 0, bytes < size, strange)
  await run.close(listener)
})

async function startWorker(run, options) {
  const worker = new Worker(path.join(__dirname, 'fixtures', 'worker-server.js'), {
    workerData: { kind: run.server.kind, address: run.address(), ...options },
  })
  const address = await event(worker, 'message')
  return { worker, target: run.target(address) }
}

scenario('a server in a worker thread', apart, async (run) => {
  const { server, client } = run
  const { worker, target } = await startWorker(run, {})
  const socket = client.net.connect(target)
  client.log.watch('socket', socket, LIFE)
  socket.write('across threads')
  socket.once('data', () => socket.end())
  await closed(socket)
  worker.postMessage('stop')
  server.log('worker', await event(worker, 'exit'))
})

scenario('an HTTP server in a worker thread', apart, async (run) => {
  const { server, client } = run
  const { worker, target } = await startWorker(run, { web: true })
  for (const path of ['/one', '/two']) {
    const request = client.http.get(toward(target, { path }))
    await watchRequest(client.log, path, request)
  }
  worker.postMessage('stop')
  server.log('worker', await event(worker, 'exit'))
})

scenario('terminating a worker under load', apart, async (run) => {
  const { server, client } = run
  for (let round = 0; round < 3; round++) {
    const { worker, target } = await startWorker(run, { load: true })
    const sockets = Array.from({ length: 10 }, () => client.net.connect(target))
    const gone = sockets.map(async (socket) => {
      // Bytes that nobody read make it a reset, otherwise it is an end: both are right.
      socket.on('error', () => {})
      await closed(socket)
      return socket.destroyed
    })
    await Promise.all(sockets.map((socket) => event(socket, 'data')))
    server.log('terminate', await worker.terminate())
    client.log('closed', await Promise.all(gone))
    // What the worker held is free again.
    const next = server.net.createServer()
    const free = target.path === undefined ? target : run.address()
    next.listen(free)
    await event(next, 'listening')
    server.log('listening again')
    next.close()
    await closed(next)
  }
})

scenario('a worker that ends with open handles', apart, async (run) => {
  const { server, client } = run
  const source = `
    const { sides } = require(${JSON.stringify(require.resolve('../common/modules'))})
    const { net } = sides[${JSON.stringify(client.kind)}]
    const { workerData, parentPort } = require('node:worker_threads')
    const socket = net.connect(workerData, () => socket.write('from the worker'))
    socket.on('data', () => process.exit(3))
  `
  const listener = server.net.createServer((peer) => {
    server.log.watch('peer', peer, LIFE)
    peer.write('go')
  })
  const target = await run.listen(listener)
  const worker = new Worker(source, { eval: true, workerData: target })
  const connection = event(listener, 'connection')
  client.log('worker', await event(worker, 'exit'))
  const peer = await connection
  await gone(peer)
  await run.close(listener)
})

// The built-in is one in any case; ours must stand a second load of its code, and of its native
// half from another file.
function loadAgain(kind, how) {
  if (kind === 'built-in') return require('node:net')
  const entry = require.resolve('ferrowire/net')
  if (how === 'again') {
    const root = path.dirname(require.resolve('ferrowire'))
    for (const file of Object.keys(require.cache)) {
      if (file.startsWith(root)) delete require.cache[file]
    }
    return require('ferrowire/net')
  }
  const from = path.dirname(require.resolve('ferrowire'))
  const to = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrowire-copy-'))
  process.on('exit', () => fs.rmSync(to, { recursive: true, force: true }))
  fs.cpSync(from, to, { recursive: true })
  return require(path.join(to, path.relative(from, entry)))
}

for (const how of ['again', 'from a copy']) {
  scenario(`the code is loaded ${how}`, apart, async (run) => {
    const { server, client } = run
    const peers = []
    const { listener, target, socket } = await run.connected({
      accept(peer) {
        peers.push(peer)
        server.log.watch('peer', peer, LIFE)
        peer.on('data', (chunk) => peer.write(chunk))
      },
      open: (socket) => client.log.watch('socket', socket, LIFE),
    })
    const net = loadAgain(client.kind, how)
    const other = net.connect(target)
    client.log.watch('other', other, LIFE)
    other.write('from the second')
    await event(other, 'data')
    socket.write('from the first')
    await event(socket, 'data')
    other.end()
    await closed(other, peers[1])
    socket.end()
    await closed(socket)
    await run.close(listener)
  })
}
