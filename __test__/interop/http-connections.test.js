'use strict'

// Which connection carries what, how it is reused, how it breaks and how it ends.

const { AsyncLocalStorage } = require('node:async_hooks')
const { PassThrough, duplexPair } = require('node:stream')
const { scenario } = require('../common/harness')
const { LIFE, closed, ended, event, outcome } = require('../common/tools')
const {
  INCOMING,
  RESPONSE,
  begun,
  head,
  sendRaw,
  toward,
  watchIncoming,
  watchRequest,
} = require('../common/http')

const tcp = { over: ['tcp'] }
const SERVER = ['listening', 'error', 'close']

// An agent of the client's side that does not outlive the run.
function makeAgent(run, options) {
  const agent = new run.client.http.Agent(options)
  run.cleanup(() => agent.destroy())
  return agent
}

const names = (pool) =>
  Object.fromEntries(Object.entries(pool).map(([name, list]) => [name, list.length]))

scenario('two requests on one connection', {}, async (run) => {
  const { server, client } = run
  const connections = new Set()
  const listener = server.http.createServer((request, response) => {
    connections.add(request.socket)
    server.log('request', request.url, connections.size)
    server.log.watch('response', response, RESPONSE)
    request.resume()
    response.end(`answer ${request.url}`)
  })
  server.log.watch('server', listener, SERVER)
  const target = await run.listen(listener)
  const agent = makeAgent(run, { keepAlive: true, maxSockets: 1 })
  agent.on('free', (socket) => client.log('free', socket.destroyed))
  for (const path of ['/one', '/two', '/three']) {
    const request = client.http.request(toward(target, { agent, path, method: 'POST' }))
    request.on('socket', (socket) => client.log('socket', socket.connecting, request.reusedSocket))
    const done = watchRequest(client.log, path, request)
    request.end('body')
    await done
    client.log(names(agent.sockets), names(agent.freeSockets), names(agent.requests))
  }
  agent.destroy()
  await run.close(listener)
  client.log(names(agent.freeSockets))
})

scenario('more requests than sockets', tcp, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => {
    server.log(request.url)
    response.end(request.url)
  })
  const target = await run.listen(listener)
  const agent = makeAgent(run, { keepAlive: true, maxSockets: 1, scheduling: 'fifo' })
  const requests = ['/1', '/2', '/3'].map((path) => {
    const request = client.http.get(toward(target, { agent, path }))
    const done = watchRequest(run.lane(path), path, request)
    request.on('response', () => client.log(path, request.reusedSocket))
    return done
  })
  client.log(names(agent.sockets), names(agent.requests))
  await Promise.all(requests)
  await run.turns()
  client.log(names(agent.sockets), names(agent.freeSockets))
  agent.destroy()
  await run.close(listener)
})

scenario('an agent that does not keep', tcp, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => {
    server.log(request.headers, request.socket.listenerCount('close') > 0)
    response.end()
  })
  const target = await run.listen(listener)
  for (const options of [{}, { keepAlive: false }, { keepAlive: true }]) {
    const agent = makeAgent(run, options)
    client.log(agent.keepAlive, agent.maxSockets, agent.maxFreeSockets, agent.protocol)
    client.log(agent.getName({ host: 'a', port: 1, localAddress: 'b', family: 4 }))
    await watchRequest(client.log, 'get', client.http.get(toward(target, { agent })))
    await run.turns()
    client.log(names(agent.freeSockets))
    agent.destroy()
    await run.settled(listener)
  }
  await run.close(listener)
})

scenario('a kept connection that the server closes', tcp, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => response.end())
  server.log.watch('server', listener, SERVER)
  const target = await run.listen(listener)
  const agent = makeAgent(run, { keepAlive: true })
  const ask = async () => {
    const accepted = event(listener, 'connection')
    const request = client.http.get(toward(target, { agent }))
    await watchRequest(client.log, 'get', request)
    await run.turns()
    return accepted
  }
  const socket = await ask()
  client.log(names(agent.freeSockets))
  socket.end()
  await closed(socket)
  await run.turns(6)
  client.log(names(agent.freeSockets))
  await ask()
  agent.destroy()
  await run.close(listener)
})

scenario('close of a server with kept connections', {}, async (run) => {
  const { server, client } = run
  const waiting = []
  const listener = server.http.createServer((request, response) => {
    if (request.url === '/now') response.end('now')
    else waiting.push(response)
  })
  server.log.watch('server', listener, SERVER)
  const target = await run.listen(listener)
  const agent = makeAgent(run, { keepAlive: true })
  const now = client.http.get(toward(target, { agent, path: '/now' }))
  await watchRequest(client.log, 'now', now)
  await run.turns()
  const later = client.http.get(toward(target, { agent: false, path: '/later' }))
  const done = watchRequest(client.log, 'later', later)
  await event(listener, 'request')
  await run.turns()
  // The idle one is closed with the server, the busy one is waited for.
  listener.close((error) => server.log('close callback', error))
  await run.turns(6)
  client.log(names(agent.freeSockets))
  waiting[0].end('later')
  await done
  await run.settled(listener)
  server.log(listener.listening)
})

scenario('closeAllConnections and closeIdleConnections', tcp, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => {
    server.log.watch('response', response, RESPONSE)
    if (request.url === '/idle') response.end()
    else response.write('begun')
  })
  server.log.watch('server', listener, SERVER)
  const target = await run.listen(listener)
  const agent = makeAgent(run, { keepAlive: true })
  const idle = client.http.get(toward(target, { agent, path: '/idle' }))
  await watchRequest(client.log, 'idle', idle)
  await run.turns()
  const busy = client.http.get(toward(target, { path: '/busy' }))
  const gone = watchRequest(client.log, 'busy', busy)
  await begun(busy)
  listener.closeIdleConnections()
  await run.turns(6)
  client.log(names(agent.freeSockets), busy.destroyed)
  listener.closeAllConnections()
  await gone
  await run.close(listener)
})

scenario('the client gives up in the middle of a response', {}, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => {
    server.log.watch('request', request, INCOMING)
    server.log.watch('response', response, RESPONSE)
    response.write('begun')
  })
  const target = await run.listen(listener)
  const request = client.http.get(toward(target))
  const done = watchRequest(client.log, 'get', request)
  const response = await begun(request)
  request.destroy()
  client.log(request.destroyed, request.aborted, response.destroyed)
  await done
  await run.close(listener)
})

scenario('the client gives up before a response', tcp, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => {
    server.log.watch('request', request, INCOMING)
    server.log.watch('response', response, RESPONSE)
  })
  const target = await run.listen(listener)
  const ways = {
    destroy: (request) => request.destroy(),
    'destroy with an error': (request) => request.destroy(new Error('mine')),
    abort: (request) => request.abort(),
  }
  for (const [name, way] of Object.entries(ways)) {
    for (const late of [false, true]) {
      client.log(name, late)
      const request = client.http.request(toward(target, { method: 'POST' }))
      const done = watchRequest(client.log, 'post', request)
      if (late) {
        request.write('part')
        await event(listener, 'request')
        await run.turns(4)
      }
      way(request)
      await done
      await run.settled(listener)
    }
  }
  const { signal } = makeSignal()
  const request = client.http.get(toward(target, { signal }))
  const done = watchRequest(client.log, 'signal', request)
  await event(listener, 'request')
  await run.turns(4)
  signal.stop()
  await done
  await run.close(listener)
})

function makeSignal() {
  const controller = new AbortController()
  controller.signal.stop = () => controller.abort()
  return controller
}

scenario('the server destroys in the middle of a response', {}, async (run) => {
  const { server, client } = run
  const go = []
  const listener = server.http.createServer((request, response) => {
    server.log.watch('request', request, INCOMING)
    server.log.watch('response', response, RESPONSE)
    response.write('begun')
    go.push(() => response.destroy(request.url === '/' ? undefined : new Error('own')))
  })
  const target = await run.listen(listener)
  for (const path of ['/', '/error']) {
    const request = client.http.get(toward(target, { path }))
    const done = watchRequest(client.log, 'get', request)
    const response = await begun(request)
    await run.turns(4)
    go.pop()()
    await done
    client.log(response.complete, response.aborted, response.destroyed)
    await run.settled(listener)
  }
  await run.close(listener)
})

scenario('the server destroys before a response', {}, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => {
    server.log.watch('request', request, INCOMING)
    server.log.watch('response', response, RESPONSE)
    request.socket.destroy()
  })
  const target = await run.listen(listener)
  await watchRequest(client.log, 'get', client.http.get(toward(target)))
  await run.close(listener)
})

scenario('a request that is refused', {}, async (run) => {
  const { server, client } = run
  server.log('nobody listens')
  const target =
    run.over === 'tcp' ? { port: await run.freePort(), host: '127.0.0.1' } : { path: run.path() }
  const request = client.http.request(toward(target, { method: 'POST' }))
  const done = watchRequest(client.log, 'post', request)
  request.write('lost', (error) => client.log('written', error))
  request.end('too', () => client.log('ended'))
  await done
  client.log(request.destroyed, request.errored)
})

scenario('timeouts', tcp, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => {
    server.log.watch('response', response, RESPONSE)
    response.setTimeout(30, (socket) => {
      server.log('response timeout', socket === request.socket)
      response.end('late')
    })
  })
  const target = await run.listen(listener)
  await watchRequest(client.log, 'patient', client.http.get(toward(target)))
  await run.settled(listener)

  const silent = server.net.createServer((peer) => peer.resume())
  const other = await run.listen(silent)
  const request = client.http.get(toward(other, { timeout: 30 }))
  request.on('timeout', () => request.destroy(new Error('too slow')))
  await watchRequest(client.log, 'impatient', request)
  const second = client.http.get(toward(other))
  second.setTimeout(30, () => second.destroy())
  await watchRequest(client.log, 'second', second)
  await run.close(silent)

  // A timeout of the server that nobody handles destroys the socket.
  listener.setTimeout(30)
  listener.removeAllListeners('request')
  listener.on('request', () => {})
  await watchRequest(client.log, 'dropped', client.http.get(toward(target)))
  await run.close(listener)
})

scenario('a client that never finishes its head', tcp, async (run) => {
  const { server, client } = run
  const options = { headersTimeout: 60, requestTimeout: 60, connectionsCheckingInterval: 20 }
  const listener = server.http.createServer(options, () => server.log('never'))
  const target = await run.listen(listener)
  client.log(await sendRaw(client.net, target, 'GET / HTTP/1.1\r\nHost:'))
  listener.on('clientError', (error, socket) => {
    server.log(error)
    socket.destroy()
  })
  client.log(await sendRaw(client.net, target, 'GET / HTTP/1.1\r\nHost:'))
  await run.close(listener)
})

scenario('an upgrade with bytes left over', {}, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => {
    server.log('request', request.url)
    response.end('plain')
  })
  listener.on('upgrade', (request, socket, rest) => {
    server.log('upgrade', head(request), socket === request.socket, rest)
    server.log.watch('socket', socket, LIFE)
    socket.write('HTTP/1.1 101 Switching\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nand more')
    socket.on('data', (chunk) => socket.write(chunk))
    // A connection of an HTTP server is one that may stay half open.
    socket.on('end', () => socket.end())
  })
  const target = await run.listen(listener)
  // Both ends have bytes of the new protocol in the packet of the old one.
  const headers = { Connection: 'Upgrade', Upgrade: 'echo' }
  const request = client.http.request(toward(target, { headers }))
  const upgraded = new Promise((resolve) =>
    request.on('upgrade', (response, socket, rest) => {
      client.log('upgrade', head(response), rest)
      client.log.watch('socket', socket, LIFE)
      resolve(socket)
    }),
  )
  client.log.watch('request', request, ['finish', 'response', 'error', 'close'])
  request.end()
  const socket = await upgraded
  const echoed = event(socket, 'data')
  socket.write('to and fro')
  await echoed
  socket.end()
  await closed(socket)
  await run.settled(listener)

  const raw =
    'GET /raw HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nleft over'
  const plain = client.net.connect(target)
  client.log.watch('plain', plain, LIFE)
  plain.write(raw)
  await event(plain, 'data')
  plain.end()
  await closed(plain)
  await run.settled(listener)

  // Nobody wants it: an ordinary request.
  listener.removeAllListeners('upgrade')
  const ordinary = client.http.get(toward(target, { headers }))
  await watchRequest(client.log, 'ordinary', ordinary)
  await run.close(listener)
})

scenario('CONNECT', tcp, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer()
  listener.on('connect', (request, socket, rest) => {
    server.log('connect', head(request), rest)
    socket.write('HTTP/1.1 200 Connected\r\n\r\nhello')
    socket.on('data', (chunk) => socket.end(chunk))
  })
  const target = await run.listen(listener)
  const request = client.http.request(toward(target, { method: 'CONNECT', path: 'far:80' }))
  const done = event(request, 'close')
  request.on('connect', (response, socket, rest) => {
    client.log('connect', head(response), rest)
    client.log.watch('socket', socket, LIFE)
    socket.write('through')
  })
  request.end()
  await done
  await run.settled(listener)
  listener.removeAllListeners('connect')
  const refused = client.http.request(toward(target, { method: 'CONNECT', path: 'far:80' }))
  const gone = watchRequest(client.log, 'refused', refused)
  refused.end()
  await gone
  await run.close(listener)
})

scenario('connections that are not sockets', tcp, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => {
    watchIncoming(server.log, 'request', request)
    request.on('end', () => response.end(`answer to ${request.url}`))
  })
  const [near, far] = duplexPair ? duplexPair() : pairOfPassThrough()
  listener.emit('connection', far)
  const request = client.http.request({
    createConnection: () => near,
    method: 'POST',
    path: '/in/memory',
  })
  const done = watchRequest(client.log, 'post', request)
  request.end('without a network')
  await done
})

// duplexPair came with Node 22.6.
function pairOfPassThrough() {
  const { Duplex } = require('node:stream')
  const [a, b] = [new PassThrough(), new PassThrough()]
  return [Duplex.from({ readable: a, writable: b }), Duplex.from({ readable: b, writable: a })]
}

scenario('the context of HTTP callbacks', {}, async (run) => {
  const { server, client } = run
  const context = new AsyncLocalStorage()
  const note = (log, name) => log(name, context.getStore())
  const listener = server.http.createServer((request, response) => {
    note(server.log, 'request')
    context.run(`in ${request.url}`, () => {
      for (const name of ['data', 'end', 'close'])
        request.on(name, () => note(server.log, `request ${name}`))
      for (const name of ['finish', 'close'])
        response.on(name, () => note(server.log, `response ${name}`))
    })
    request.on('end', () => {
      response.write('part', () => note(server.log, 'written'))
      response.end('rest', () => note(server.log, 'ended'))
    })
  })
  const target = await run.listen(listener)
  const agent = makeAgent(run, { keepAlive: true, maxSockets: 1 })
  for (const path of ['/one', '/two']) {
    const request = context.run(`asking ${path}`, () =>
      client.http.request(toward(target, { agent, path, method: 'POST' }), () =>
        note(client.log, 'callback'),
      ),
    )
    const done = event(request, 'close')
    for (const name of ['socket', 'finish', 'close']) request.on(name, () => note(client.log, name))
    request.on('response', (response) => {
      note(client.log, 'response')
      for (const name of ['data', 'end', 'close'])
        response.on(name, () => note(client.log, `response ${name}`))
    })
    context.run(`ending ${path}`, () => request.end('body', () => note(client.log, 'ended')))
    await done
    await run.turns(4)
  }
  agent.destroy()
  await run.close(listener)
})

scenario('ticks between HTTP events', tcp, async (run) => {
  const { server, client } = run
  const trace = (log, name) => {
    log(name)
    process.nextTick(() => log(`${name}: tick`))
    Promise.resolve().then(() => log(`${name}: microtask`))
    setImmediate(() => log(`${name}: immediate`))
  }
  const listener = server.http.createServer((request, response) => {
    trace(server.log, 'request')
    for (const name of ['data', 'end', 'close'])
      request.on(name, () => trace(server.log, `request ${name}`))
    for (const name of ['finish', 'close'])
      response.on(name, () => trace(server.log, `response ${name}`))
    request.on('end', () => response.end('answer'))
  })
  const target = await run.listen(listener)
  // One packet with two requests, then their two answers.
  const one = 'POST /one HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody'
  const two = 'POST /two HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody'
  client.log(await sendRaw(client.net, target, one + two))
  await run.settled(listener)

  const request = client.http.request(toward(target, { method: 'POST' }))
  for (const name of ['socket', 'finish', 'response', 'close'])
    request.on(name, () => trace(client.log, name))
  request.on('response', (response) => {
    for (const name of ['data', 'end', 'close'])
      response.on(name, () => trace(client.log, `response ${name}`))
  })
  server.log('a whole request')
  request.end('body')
  await closed(request)
  await run.close(listener)
})

scenario('an exception in a request listener', { apart: true }, async (run) => {
  const { server, client } = run
  process.on('uncaughtException', (error, origin) => server.log('uncaughtException', error, origin))
  const listener = server.http.createServer((request, response) => {
    server.log('request', request.url)
    if (request.url === '/bad') {
      setImmediate(() => response.destroy())
      throw new Error('in the listener')
    }
    response.end('fine')
  })
  const target = await run.listen(listener)
  const requests = ['/good', '/bad', '/better'].map((path) => {
    const request = client.http.get(toward(target, { path }))
    return watchRequest(run.lane(path), path, request)
  })
  await Promise.all(requests)
  client.log('all closed')
  await run.close(listener)
})

scenario('many requests at once', { over: ['tcp', 'local'], timeout: 20000 }, async (run) => {
  const { server, client } = run
  const COUNT = 100
  const listener = server.http.createServer((request, response) => {
    const parts = []
    request.on('data', (part) => parts.push(part))
    request.on('end', () => response.end(`${request.url} ${Buffer.concat(parts)}`))
  })
  const target = await run.listen(listener)
  const agent = makeAgent(run, { keepAlive: true, maxSockets: 20 })
  const answers = Array.from({ length: COUNT }, async (_, index) => {
    const options = toward(target, { agent, path: `/${index}`, method: 'POST' })
    const request = client.http.request(options)
    const gone = closed(request)
    request.end(`body ${index}`)
    const response = await event(request, 'response')
    response.setEncoding('utf8')
    let text = ''
    response.on('data', (part) => (text += part))
    await Promise.all([ended(response), gone])
    return text === `/${index} body ${index}`
  })
  const right = (await Promise.all(answers)).filter(Boolean).length
  client.log('right answers', right, names(agent.requests))
  agent.destroy()
  await run.close(listener)
  server.log(outcome(() => listener.listening))
})
