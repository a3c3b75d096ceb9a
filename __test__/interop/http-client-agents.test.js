'use strict'

// Which request gets which connection, when connections are few, and what the agent holds meanwhile.

const { AsyncLocalStorage } = require('node:async_hooks')
const { scenario } = require('../common/harness')
const { held, listenRaw, makeAgent, toward, watchExchange } = require('../common/http')
const { closed, event } = require('../common/tools')

const tcp = { over: ['tcp'] }
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n'
const ANSWER = `${OK}\r\nok`

// `count` requests at once, each with a lane of its own, because two connections are not ordered.
async function askAtOnce(run, count, options, answer, { each = () => {}, log = held } = {}) {
  const { client } = run
  const { listener, target } = await listenRaw(run, answer)
  const agent = makeAgent(run, { keepAlive: true, ...options })
  const done = Array.from({ length: count }, (_, index) => {
    const request = client.http.request(toward(target, { agent, path: `/${index}` }))
    const gone = watchExchange(run.lane(`request ${index}`), 'request', request)
    each(request, index, agent)
    request.end()
    return gone
  })
  client.log(held(agent))
  await Promise.all(done)
  await run.turns(6)
  client.log(log(agent))
  agent.destroy()
  await run.settled(listener)
  client.log(held(agent))
  await run.close(listener)
}

const plain = (peer) => peer.write(ANSWER)
const QUEUES = {
  'four on one connection': [4, { maxSockets: 1 }, plain],
  'four on one connection of all': [4, { maxTotalSockets: 1 }, plain],
  'four that are not kept': [4, { maxSockets: 1, keepAlive: false }, plain],
  'four with two kept': [4, { maxFreeSockets: 2 }, plain],
  'three that the server closes': [
    3,
    { maxSockets: 1 },
    (peer) => peer.end(`${OK}Connection: close\r\n\r\nok`),
  ],
  'three behind a reset': [
    3,
    { maxSockets: 1 },
    (peer, count, head) => (head.startsWith('GET /0') ? peer.resetAndDestroy() : plain(peer)),
  ],
  'three with one given up in the queue': [
    3,
    { maxSockets: 1 },
    plain,
    { each: (request, index) => index === 1 && process.nextTick(() => request.destroy()) },
  ],
}
for (const [name, [count, options, answer, more]] of Object.entries(QUEUES)) {
  scenario(`requests in a queue: ${name}`, tcp, (run) =>
    askAtOnce(run, count, options, answer, more),
  )
}

scenario('10,000 requests on 4 connections', { ...tcp, timeout: 30_000 }, async (run) => {
  const { server, client } = run
  const connections = new Set()
  const listener = server.http.createServer((request, response) => {
    connections.add(request.socket)
    response.end(request.url)
  })
  const target = await run.listen(listener)
  const agent = makeAgent(run, { keepAlive: true, maxSockets: 4 })
  let right = 0
  let ordered = true
  let last = -1
  const ask = (index) =>
    new Promise((resolve) => {
      const request = client.http.get(toward(target, { agent, path: `/${index}` }), (response) => {
        response.setEncoding('latin1')
        let text = ''
        response.on('data', (part) => (text += part))
        response.on('end', () => (right += text === `/${index}`))
      })
      request.on('socket', () => {
        ordered &&= index > last
        last = index
      })
      request.on('close', resolve)
    })
  const asked = Array.from({ length: 10_000 }, (_, index) => ask(index))
  client.log(held(agent))
  await Promise.all(asked)
  await run.turns()
  client.log(right, ordered, held(agent))
  server.log(connections.size)
  agent.destroy()
  await run.close(listener)
})

for (const scheduling of ['lifo', 'fifo']) {
  scenario(`which kept connection is next: ${scheduling}`, tcp, async (run) => {
    const { client } = run
    const { listener, target } = await listenRaw(run, plain)
    const agent = makeAgent(run, { keepAlive: true, scheduling })
    const ask = async (path) => {
      const request = client.http.get(toward(target, { agent, path }))
      request.on('response', (response) => response.resume())
      await event(request, 'close')
      await run.turns(4)
      return request.socket
    }
    const [first, second] = await Promise.all([ask('/1'), ask('/2')])
    for (const path of ['/3', '/4', '/5']) {
      const pool = Object.values(agent.freeSockets)[0]
      const expected = scheduling === 'lifo' ? pool.at(-1) : pool[0]
      const used = await ask(path)
      client.log(path, used === expected, [first, second].includes(used), held(agent))
    }
    agent.destroy()
    await run.close(listener)
  })
}

scenario('one request after the other', tcp, async (run) => {
  const { client, server } = run
  const { listener, target } = await listenRaw(run, (peer, count, head) => {
    server.log(count, head.split(' ')[1])
    plain(peer)
  })
  const agent = makeAgent(run, { keepAlive: true })
  // Asked for in the 'end' of the one before: earlier than its connection is free.
  const ask = (path, next) =>
    new Promise((resolve) => {
      const request = client.http.get(toward(target, { agent, path }), (response) => {
        response.on('end', () => next?.())
      })
      watchExchange(run.lane(path), path, request).then(resolve)
    })
  await ask('/alone')
  await run.turns()
  let chained
  await ask('/first', () => (chained = ask('/chained')))
  await chained
  await run.turns()
  client.log(held(agent))
  agent.destroy()
  await run.close(listener)
})

const HINTS = {
  none: '',
  'one second': 'Keep-Alive: timeout=1\r\n',
  'five seconds': 'Keep-Alive: timeout=5, max=100\r\n',
  nothing: 'Keep-Alive: timeout=0\r\n',
  nonsense: 'Keep-Alive: for ever\r\n',
  'not kept': 'Connection: close\r\n',
}
scenario('how long the server keeps a connection', tcp, async (run) => {
  const { client } = run
  const { listener, target } = await listenRaw(run, (peer, count, head) => {
    peer.write(`${OK}${HINTS[decodeURIComponent(head.split(' ')[1].slice(1))]}\r\nok`)
  })
  for (const options of [
    {},
    { timeout: 3000 },
    { timeout: 3000, agentKeepAliveTimeoutBuffer: 2500 },
  ]) {
    for (const hint of Object.keys(HINTS)) {
      const agent = makeAgent(run, { keepAlive: true, ...options })
      const path = `/${encodeURIComponent(hint)}`
      const request = client.http.get(toward(target, { agent, path }))
      request.on('response', (response) => response.resume())
      await event(request, 'close')
      await run.turns()
      client.log(hint, held(agent), request.socket.timeout ?? null)
      agent.destroy()
      await run.settled(listener)
    }
  }
  await run.close(listener)
})

scenario('a kept connection whose time is over', tcp, async (run) => {
  const { client } = run
  const { listener, target } = await listenRaw(run, plain)
  const agent = makeAgent(run, { keepAlive: true, timeout: 20 })
  const request = client.http.get(toward(target, { agent }))
  const done = watchExchange(client.log, 'request', request)
  const [socket] = await Promise.all([event(request, 'socket'), done])
  if (!socket.destroyed) await closed(socket)
  await run.turns()
  client.log(held(agent))
  await run.close(listener)
})

scenario('an agent that is destroyed under its requests', tcp, async (run) => {
  const { client } = run
  let asked = 0
  const { listener, target } = await listenRaw(run, () => {
    if (++asked === 2) agent.destroy()
  })
  const agent = makeAgent(run, { keepAlive: true, maxSockets: 2 })
  const ask = (path) =>
    watchExchange(run.lane(path), path, client.http.get(toward(target, { agent, path })))
  await Promise.all([ask('/1'), ask('/2')])
  await run.turns()
  client.log(held(agent))
  await run.close(listener)
})

scenario('the contexts of requests that share a connection', tcp, async (run) => {
  const { client } = run
  const context = new AsyncLocalStorage()
  const { listener, target } = await listenRaw(run, plain)
  const agent = makeAgent(run, { keepAlive: true, maxSockets: 1 })
  const ask = (name) => {
    const log = run.lane(name)
    return context.run(name, () => {
      const note = (what) => log(what, context.getStore())
      const request = client.http.get(toward(target, { agent }), (response) => {
        note('response')
        for (const what of ['data', 'end', 'close']) response.on(what, () => note(what))
      })
      for (const what of ['socket', 'finish', 'close']) request.on(what, () => note(what))
      return event(request, 'close')
    })
  }
  await Promise.all(['first', 'second', 'third'].map(ask))
  await run.turns()
  await ask('later')
  client.log(held(agent))
  agent.destroy()
  await run.close(listener)
})
