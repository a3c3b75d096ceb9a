'use strict'

// The `agentkeepalive` package, unmodified: it changes an Agent's sockets, timeouts and counts from inside.

const http = require('http')
const { once } = require('node:events')
const Agent = require('agentkeepalive')
const { HOST, lane, listen, run, until, vacancy } = require('./program')

const counts = (agent) => {
  const { freeSockets, requests, sockets, ...rest } = agent.getCurrentStatus()
  const sum = (pool) => Object.values(pool).reduce((all, count) => all + count, 0)
  return { ...rest, free: sum(freeSockets), queued: sum(requests), busy: sum(sockets) }
}

async function ask(log, options, { body, onTimeout } = {}) {
  const request = http.request(options)
  let isTold
  request.on('response', (response) => {
    isTold = response.toArray().then((parts) => {
      const text = String(Buffer.concat(parts))
      log(options.path, response.statusCode, text, request.reusedSocket)
    })
  })
  // Who listens decides for the package whether a timeout is an error.
  if (onTimeout) request.on('timeout', () => onTimeout(request))
  const isOver = new Promise((resolve) => {
    request.on('close', resolve)
    request.on('error', ({ code, message }) => {
      log('error', options.path, code, message)
      setImmediate(resolve)
    })
  })
  request.end(body)
  await isOver
  await isTold
}

// What ends by itself ends later; every such step is waited for.
async function stages(log, port) {
  const agent = new Agent({
    maxSockets: 2,
    maxFreeSockets: 1,
    freeSocketTimeout: 5000,
    timeout: 6000,
  })
  const target = { host: HOST, port, agent }
  log('made', counts(agent), agent.statusChanged, agent.keepAlive, agent.options.timeout)
  await ask(log, { ...target, path: '/one' })
  await until(() => counts(agent).free === 1)
  log('one', counts(agent), agent.statusChanged)
  await ask(log, { ...target, path: '/two', method: 'POST' }, { body: 'body' })
  await until(() => counts(agent).free === 1)
  const all = ['/a', '/b', '/c', '/d', '/e'].map((path, i) =>
    ask(lane(`many ${i}`), { ...target, path }),
  )
  log('asked', counts(agent))
  await Promise.all(all)
  await until(() => counts(agent).busy === 0)
  // Which connections the five had is the order of their answers.
  const { createSocketCount, closeSocketCount, requestCount, free } = counts(agent)
  log('many', createSocketCount - closeSocketCount, requestCount, free)
  await ask(log, { ...target, path: '/reset' })
  await ask(log, { ...target, path: '/close' })
  await until(() => counts(agent).free + counts(agent).busy <= 1)
  await ask(log, { ...target, path: '/hint' })
  agent.destroy()
  await until(() => counts(agent).free === 0)
  log('destroyed', counts(agent).errorSocketCount, counts(agent).timeoutSocketCount)
}

async function limits(log, port, nobody) {
  const kept = new Agent({ freeSocketTimeout: 30 })
  await ask(log, { host: HOST, port, agent: kept, path: '/short' })
  await until(() => counts(kept).closeSocketCount === 1)
  log('no longer kept', counts(kept))

  const aged = new Agent({ socketActiveTTL: 20 })
  await ask(log, { host: HOST, port, agent: aged, path: '/slow' })
  await until(() => counts(aged).closeSocketCount === 1)
  log('too old', counts(aged))

  const strict = new Agent({ timeout: 30, freeSocketTimeout: 15 })
  await ask(log, { host: HOST, port, agent: strict, path: '/never' })
  await until(() => counts(strict).closeSocketCount === 1)
  log('timed out', counts(strict))
  const onTimeout = (request) => request.destroy(new Error('so late'))
  await ask(log, { host: HOST, port, agent: strict, path: '/never' }, { onTimeout })
  log('timed out and told', counts(strict).timeoutSocketCount)

  const vain = new Agent()
  await ask(log, { host: HOST, port: nobody, agent: vain, path: '/nobody' })
  await until(() => counts(vain).closeSocketCount === 1)
  log('refused', counts(vain))
}

run(async () => {
  const server = http.createServer((request, response) => {
    request.resume()
    if (request.url === '/never') return
    if (request.url === '/reset') return void request.socket.resetAndDestroy()
    if (request.url === '/close') response.setHeader('Connection', 'close')
    if (request.url === '/hint') response.setHeader('Keep-Alive', 'timeout=3')
    if (request.url === '/slow') return void setTimeout(() => response.end('slow'), 40)
    request.on('end', () => response.end(request.url))
  })
  server.keepAliveTimeout = 60_000
  const port = await listen(server)
  const nobody = await vacancy('nobody')
  await stages(lane('stages'), port)
  await limits(lane('limits'), port, nobody)
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})
