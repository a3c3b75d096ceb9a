'use strict'

// What runs between the events of HTTP messages, in which context, and after an exception.

const { AsyncLocalStorage } = require('node:async_hooks')
const { scenario } = require('../common/harness')
const { closed, event } = require('../common/tools')
const { makeAgent, sendRaw, toward, watchRequest } = require('../common/http')

const tcp = { over: ['tcp'] }

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
