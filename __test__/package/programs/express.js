'use strict'

// Express 5, unmodified: routes, bodies, files, errors, redirects, streams, and a connection that is kept.

const http = require('http')
const path = require('node:path')
const { once } = require('node:events')
const { Readable } = require('node:stream')
const express = require('express')
const { HOST, digest, lane, listen, run, until } = require('./program')

const MEBIBYTE = Buffer.alloc(2 ** 20, 'ferrowire ')

function makeApp(log) {
  const app = express()
  app.set('trust proxy', true)
  // Else it prints the errors.
  app.set('env', 'test')
  app.use((request, response, next) => {
    log(request.method, request.originalUrl, request.ip, request.protocol, request.hostname)
    response.on('finish', () => log('finish', response.statusCode, response.writableEnded))
    response.on('close', () => log('close', response.writableFinished))
    next()
  })
  app.get('/', (request, response) => response.send('hello'))
  app.get('/user/:id', ({ params, query }, response) => response.json({ params, query }))
  app.post('/json', express.json({ limit: '10kb' }), ({ body }, response) => response.json(body))
  app.post('/form', express.urlencoded({ extended: true }), ({ body }, response) =>
    response.status(201).set('X-A', ['1', '2']).append('X-A', '3').json(body),
  )
  app.post('/raw', express.raw({ type: '*/*', limit: '2mb' }), ({ body }, response) =>
    response.type('bin').send(body),
  )
  app.use('/files', express.static(__dirname, { maxAge: 1000, lastModified: false }))
  app.get('/file', (request, response) => response.sendFile(path.join(__dirname, 'program.js')))
  app.get('/redirect', (request, response) => response.redirect(301, '/elsewhere?a=b c'))
  app.get('/cookie', (request, response) =>
    response.cookie('a', 'b c', { httpOnly: true }).send(''),
  )
  app.get('/nothing', (request, response) => response.sendStatus(204))
  app.get('/throws', () => {
    throw new Error('thrown')
  })
  app.get('/rejects', async () => {
    throw Object.assign(new Error('rejected'), { status: 418 })
  })
  app.get('/late', (request, response, next) => {
    response.write('begun')
    setImmediate(next, new Error('too late'))
  })
  app.get('/stream', (request, response) => Readable.from(['one ', 'two ', 'three']).pipe(response))
  app.get('/big', (request, response) => response.end(MEBIBYTE))
  app.get('/slow', (request, response) => {
    request.on('close', () => log('request closed', request.destroyed))
    response.write('first')
  })
  app.all('/*rest', ({ method, path: asked }, response, next) => {
    if (method === 'DELETE') response.status(405).end(asked)
    else next()
  })
  app.use((error, request, response, next) => {
    log('error', error.message, error.status, response.headersSent)
    if (response.headersSent) next(error)
    else response.status(error.status ?? 500).json({ error: error.message })
  })
  return app
}

const json = { 'Content-Type': 'application/json' }
const bytes = { 'Content-Type': 'application/octet-stream' }
const form = { 'Content-Type': 'application/x-www-form-urlencoded' }

// Method, path, fields, body.
const REQUESTS = [
  ['GET', '/'],
  ['HEAD', '/'],
  ['GET', '/user/5?a=1&b[c]=2', { 'X-Forwarded-For': '10.0.0.1', 'X-Forwarded-Proto': 'https' }],
  ['POST', '/json', json, '{"a":[1,"é"]}'],
  ['POST', '/json', json, '{"a":'],
  ['POST', '/json', json, `"${'x'.repeat(20_000)}"`],
  ['POST', '/form', form, 'a=1&b%5Bc%5D=%C3%A9'],
  ['POST', '/raw', bytes, MEBIBYTE],
  ['POST', '/raw', { ...bytes, Expect: '100-continue' }, 'expected'],
  ['GET', '/files/program.js'],
  ['HEAD', '/files/program.js'],
  ['GET', '/files/program.js', { Range: 'bytes=0-12' }],
  ['GET', '/files/program.js', { Range: 'bytes=9999999-' }],
  ['GET', '/files/none'],
  ['GET', '/files/../../x'],
  ['GET', '/file'],
  ['GET', '/redirect'],
  ['GET', '/cookie'],
  ['GET', '/nothing'],
  ['GET', '/throws'],
  ['GET', '/rejects'],
  ['GET', '/late'],
  ['GET', '/stream'],
  ['GET', '/big', { 'Accept-Encoding': 'gzip' }],
  ['DELETE', '/user/5'],
  ['GET', '/nowhere'],
  ['OPTIONS', '/json'],
  ['GET', '/'],
]

// A file is as old as its clone.
const stable = (headers) =>
  Object.fromEntries(Object.entries(headers).map(([k, v]) => [k, k === 'etag' ? typeof v : v]))

async function ask(log, options, body) {
  const request = http.request(options)
  request.on('continue', () => log('continue'))
  // Once by its length, once in chunks.
  if (Buffer.isBuffer(body)) request.write(body)
  request.end(Buffer.isBuffer(body) ? undefined : body)
  const gone = once(request, 'close').catch(() => {})
  try {
    const [response] = await once(request, 'response')
    const { statusCode, statusMessage, headers } = response
    log(statusCode, statusMessage, stable(headers), request.reusedSocket)
    log(digest(Buffer.concat(await response.toArray())), response.complete)
    await gone
    return headers
  } catch (error) {
    log('failed', error.code, error.message)
    await gone
    return {}
  }
}

run(async () => {
  const serverLog = lane('server')
  const log = lane('client')
  const server = http.createServer(makeApp(serverLog))
  const port = await listen(server)
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const target = { host: HOST, port, agent }
  for (const [method, asked, headers, body] of REQUESTS) {
    log(method, asked)
    await ask(log, { ...target, method, path: asked, headers }, body)
  }
  const { etag } = await ask(log, { ...target, path: '/files/program.js' })
  await ask(log, { ...target, path: '/files/program.js', headers: { 'If-None-Match': etag } })
  log('kept', Object.values(agent.freeSockets).flat().length)

  // A client that goes in the middle.
  const request = http.get({ ...target, path: '/slow', agent: false })
  const [response] = await once(request, 'response')
  await once(response, 'data')
  let isGone = false
  response.socket.once('close', () => (isGone = true))
  response.destroy()
  await until(() => isGone)

  agent.destroy()
  server.close()
  await once(server, 'close')
})
