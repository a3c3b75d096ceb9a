'use strict'

// Which connection carries what, how it is reused and how it ends.

const { PassThrough, duplexPair } = require('node:stream')
const { scenario } = require('../common/harness')
const { closed, ended, event, outcome } = require('../common/tools')
const {
  RESPONSE,
  begun,
  makeAgent,
  toward,
  watchIncoming,
  watchRequest,
} = require('../common/http')

const tcp = { over: ['tcp'] }
const SERVER = ['listening', 'error', 'close']

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

for (const method of ['_write', '_writeGeneric']) {
  scenario(`a socket with a ${method} of its own`, tcp, async (run) => {
    const { server, client } = run
    const listener = server.http.createServer((request, response) => response.end(request.url))
    const target = await run.listen(listener)
    const agent = makeAgent(run, { keepAlive: true, maxSockets: 1 })
    const create = agent.createConnection
    let writes = 0
    agent.createConnection = (...args) => {
      const socket = create.apply(agent, args)
      const original = socket[method]
      socket[method] = (...given) => {
        writes++
        return original.apply(socket, given)
      }
      return socket
    }
    for (const path of ['/one', '/two', '/three']) {
      const request = client.http.get(toward(target, { agent, path }))
      await watchRequest(client.log, path, request)
      client.log('written', writes)
    }
    agent.destroy()
    server.log('done')
    await run.close(listener)
  })
}

scenario('a keepAliveTimeout beyond what timers take', { ...tcp, apart: true }, async (run) => {
  const { server, client } = run
  process.on('warning', ({ name, message }) => server.log(name, message))
  const listener = server.http.createServer((request, response) => response.end('ok'))
  listener.keepAliveTimeout = 30 * 24 * 3600 * 1000
  const target = await run.listen(listener)
  const agent = makeAgent(run, { keepAlive: true })
  const request = client.http.get(toward(target, { agent }))
  await watchRequest(client.log, 'request', request)
  await run.wait(200)
  server.log(process.listenerCount('warning'))
  agent.destroy()
  await run.close(listener)
})

// What a test fakes is for the code that it tests.
scenario('a clock that stands still', { ...tcp, apart: true }, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => response.end('ok'))
  listener.keepAliveTimeout = 50
  listener.keepAliveTimeoutBuffer = 0
  const target = await run.listen(listener)
  const socket = client.net.connect(target)
  performance.now = () => 1000
  socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
  socket.resume()
  await event(socket, 'end')
  client.log('ended')
  await closed(socket)
  server.log('done')
  await run.close(listener)
})
