'use strict'

// Bad days of an HTTP server: peers that vanish, that never read, that send too much or too little.

const { AsyncLocalStorage } = require('node:async_hooks')
const { Readable, pipeline } = require('node:stream')
const { setImmediate: turn } = require('node:timers/promises')
const { scenario } = require('../common/harness')
const { closed, event, gone } = require('../common/tools')
const { INCOMING, RESPONSE, head, sendRaw, toward, watchRequest } = require('../common/http')

const tcp = { over: ['tcp'] }
const lines = (...text) => text.join('\r\n')
const GOOD = lines('GET /other HTTP/1.1', 'Host: x', 'Connection: close', '', '')

scenario('a client that vanishes in the middle of a request', {}, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => {
    server.log('request', request.url)
    if (request.url === '/other') return response.end('fine')
    server.log.watch('request', request, INCOMING)
    server.log.watch('response', response, RESPONSE)
    request.on('close', () => server.log(request.complete, request.aborted, request.errored))
  })
  const target = await run.listen(listener)
  const started = {
    length: lines('POST /length HTTP/1.1', 'Host: x', 'Content-Length: 100', '', 'ten bytes.'),
    chunk: lines('POST /chunk HTTP/1.1', 'Host: x', 'Transfer-Encoding: chunked', '', 'ff', 'ten'),
    chunks: lines(
      'POST /chunks HTTP/1.1',
      'Host: x',
      'Transfer-Encoding: chunked',
      '',
      '3',
      'ten',
      '',
    ),
    answer: lines('GET /answer HTTP/1.1', 'Host: x', '', ''),
  }
  for (const [what, text] of Object.entries(started)) {
    for (const way of run.over === 'tcp'
      ? ['end', 'destroy', 'resetAndDestroy']
      : ['end', 'destroy']) {
      server.log(what, way)
      const begun = event(listener, 'request')
      const socket = client.net.connect(target)
      socket.on('error', () => {})
      socket.write(text)
      const request = await begun
      await run.turns(4)
      socket[way]()
      await closed(socket.resume())
      await gone(request)
      await run.settled(listener)
      client.log('another one', await sendRaw(client.net, target, GOOD))
    }
  }
  await run.close(listener)
})

scenario('responses longer and shorter than announced', tcp, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => {
    const [, strict, length, ...pieces] = request.url.split('/')
    response.strictContentLength = strict === 'strict'
    response.on('error', (error) => server.log('error', error))
    response.setHeader('Content-Length', length)
    try {
      for (const piece of pieces.slice(0, -1)) response.write(piece)
      response.end(pieces.at(-1))
    } catch (error) {
      server.log(request.url, error)
      response.destroy()
    }
  })
  const target = await run.listen(listener)
  for (const strict of ['strict', 'loose']) {
    for (const rest of [
      '5/hello',
      '5/he/llo',
      '5/hel',
      '5/he/l',
      '5/hello!',
      '5/hello/!',
      '5/',
      '0/x',
    ]) {
      for (const method of ['GET', 'HEAD']) {
        const text = lines(
          `${method} /${strict}/${rest} HTTP/1.1`,
          'Host: x',
          'Connection: close',
          '',
          '',
        )
        client.log(method, strict, rest, await sendRaw(client.net, target, text))
      }
      const request = client.http.get(toward(target, { path: `/${strict}/${rest}` }))
      await watchRequest(client.log, 'request', request)
    }
  }
  await run.close(listener)
})

scenario('a client that never reads', {}, async (run) => {
  const { server, client } = run
  let made = 0
  const piece = Buffer.alloc(65536)
  const listener = server.http.createServer((request, response) => {
    if (request.url === '/other') return response.end('fine')
    const source = new Readable({
      read() {
        made++
        this.push(made < 4096 ? piece : null)
      },
    })
    server.log.watch('response', response, RESPONSE)
    pipeline(source, response, (error) => server.log('sent', error))
  })
  const target = await run.listen(listener)
  const deaf = client.net.connect(target)
  deaf.on('error', () => {})
  deaf.pause()
  deaf.write(lines('GET / HTTP/1.1', 'Host: x', '', ''))
  await event(listener, 'request')
  // Until the kernel is full.
  for (let before = -1; made !== before;) {
    before = made
    await run.wait(30)
  }
  server.log('of 256 MiB less than 32 were made', made > 0 && made < 512)
  client.log('another one', await sendRaw(client.net, target, GOOD))
  deaf.destroy()
  await closed(deaf)
  await run.settled(listener)
  await run.close(listener)
})

scenario('300 half-sent heads', tcp, async (run) => {
  const { server, client } = run
  const options = { headersTimeout: 150, requestTimeout: 0, connectionsCheckingInterval: 30 }
  const listener = server.http.createServer(options, (request, response) => {
    server.log('request', request.url)
    response.end('fine')
  })
  const target = await run.listen(listener, { backlog: 511 })
  const began = performance.now()
  const pieces = ['G', 'GET / HTTP/1.1\r\n', 'GET / HTTP/1.1\r\nHost: x\r\nX-A: b']
  const answers = Array.from({ length: 300 }, (_, i) => sendRaw(client.net, target, pieces[i % 3]))
  client.log('another one', await sendRaw(client.net, target, GOOD))
  const counts = new Map()
  for (const answer of await Promise.all(answers)) counts.set(answer, (counts.get(answer) ?? 0) + 1)
  client.log([...counts], performance.now() - began >= 150)
  await run.close(listener)
})

scenario('every request has its own context', {}, async (run) => {
  const { server, client } = run
  const context = new AsyncLocalStorage()
  const mixed = []
  const listener = server.http.createServer((request, response) => {
    context.run(request.url, async () => {
      const expect = () => context.getStore() === request.url || mixed.push(request.url)
      request.on('data', expect)
      request.on('end', expect)
      response.on('close', expect)
      await turn()
      expect()
      response.write('part', expect)
      await Promise.resolve()
      expect()
      response.end('rest')
    })
  })
  listener.on('connection', () => context.getStore() === undefined || mixed.push('connection'))
  const target = await run.listen(listener)
  const requests = (name) =>
    Array.from({ length: 20 }, (_, i) =>
      lines(
        `POST /${name}/${i} HTTP/1.1`,
        'Host: x',
        `Connection: ${i === 19 ? 'close' : 'keep-alive'}`,
        'Content-Length: 4',
        '',
        'body',
      ),
    ).join('')
  const names = Array.from({ length: 20 }, (_, i) => `client${i}`)
  const answers = await Promise.all(
    names.map((name) => sendRaw(client.net, target, requests(name))),
  )
  client.log(new Set(answers.map((answer) => answer.split('rest').length)))
  // Which connection is served first is left open.
  server.log('mixed up', mixed.sort())
  await run.close(listener)
})

scenario('exceptions where a handler is asked', { apart: true }, async (run) => {
  const { server, client } = run
  process.on('uncaughtException', (error) => server.log('uncaught', error.message))
  const listener = server.http.createServer((request, response) => {
    server.log('request', head(request).url)
    const fail = () => {
      throw new Error(`in ${request.url}`)
    }
    if (request.url === '/other') return response.end('fine')
    if (request.url === '/handler') fail()
    if (request.url === '/data') request.on('data', fail)
    if (request.url === '/end') request.on('end', fail).resume()
    if (request.url === '/finish') response.on('finish', fail).end('fine')
    if (request.url === '/close') response.on('close', fail).end('fine')
    if (request.url === '/written') response.end('fine', fail)
  })
  const target = await run.listen(listener)
  for (const path of ['handler', 'data', 'end', 'finish', 'close', 'written']) {
    const socket = client.net.connect(target)
    socket.on('error', () => {})
    socket.write(lines(`POST /${path} HTTP/1.1`, 'Host: x', 'Content-Length: 4', '', 'body'))
    socket.on('data', (data) => client.log(path, data.toString()))
    await run.turns(12)
    client.log('another one', await sendRaw(client.net, target, GOOD))
    socket.destroy()
    await closed(socket)
    await run.settled(listener)
  }
  await run.close(listener)
})
