'use strict'

// What programs do in the middle of something else: end the server in a handler, come to listen late, give a body up.

const assert = require('node:assert/strict')
const path = require('node:path')
const { pipeline, Writable } = require('node:stream')
const { check, scenario } = require('../common/harness')
const { toward } = require('../common/http')
const { runProgram } = require('../common/programs')
const { closed, event } = require('../common/tools')

const tcp = { over: ['tcp'] }
const GET = (url) => `GET ${url} HTTP/1.1\r\nHost: a\r\n\r\n`

// Sends requests by hand and gives what has come once `done` finds it complete.
async function answers(client, target, text, done) {
  const socket = client.net.connect(target)
  let seen = ''
  socket.on('data', (chunk) => (seen += chunk))
  socket.write(text)
  while (!done(seen) && !socket.destroyed)
    await Promise.race([event(socket, 'data'), closed(socket)])
  return { socket, seen }
}

for (const [name, end] of Object.entries({
  close: (server) => server.close(),
  closeIdleConnections: (server) => server.closeIdleConnections(),
})) {
  scenario(`${name}() in a handler of a later request`, {}, async (run) => {
    const { server, client } = run
    const listener = server.http.createServer((request, response) => {
      server.log(request.url)
      response.end(`answer${request.url}`)
      if (request.url === '/2') end(listener)
    })
    const target = await run.listen(listener)
    const text = GET('/1') + GET('/2') + GET('/3')
    const { socket, seen } = await answers(client, target, text, (seen) =>
      seen.includes('answer/3'),
    )
    client.log(seen.match(/answer\/\d/g))
    socket.destroy()
    if (name !== 'close') await run.close(listener)
  })
}

scenario("a listener for 'upgrade' that comes between two requests", tcp, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => {
    server.log('request', request.url, request.upgrade)
    response.end('plain')
  })
  const target = await run.listen(listener)
  const { socket } = await answers(client, target, GET('/1'), (seen) => seen.includes('plain'))
  listener.on('upgrade', (request, peer, rest) => {
    server.log('upgrade', request.url, request.complete, rest)
    peer.on('data', (chunk) => server.log('raw', chunk))
    peer.on('end', () => peer.end())
    peer.write('HTTP/1.1 101 Switching\r\n\r\n')
  })
  socket.write(
    'GET /2 HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: x\r\n\r\n',
  )
  client.log(await event(socket, 'data'))
  socket.end('no HTTP')
  await closed(socket)
  await run.close(listener)
})

for (const [name, giveUp] of Object.entries({
  'a pipeline that fails': (request, done) => {
    const full = new Writable({ write: (chunk, encoding, callback) => callback(new Error('full')) })
    pipeline(request, full, done)
  },
  'an iteration that is left': async (request, done) => {
    // eslint-disable-next-line no-unreachable-loop
    for await (const chunk of request) if (chunk) break
    done()
  },
})) {
  scenario(`a body given up by ${name}`, tcp, async (run) => {
    const { server, client } = run
    const listener = server.http.createServer((request, response) => {
      server.log(request.url)
      request.on('error', () => {})
      giveUp(request, () => response.end('given up'))
    })
    const target = await run.listen(listener)
    const head = 'POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 50000000\r\n\r\n'
    const { socket, seen } = await answers(client, target, head + 'x'.repeat(65536), (seen) =>
      seen.includes('given up'),
    )
    socket.write(Buffer.alloc(50_000_000 - 65536))
    socket.write(GET('/2'))
    await run.turns(50)
    client.log(seen.includes('given up'), socket.writableLength > 0)
    socket.destroy()
    await closed(socket)
    // It does not read, so it does not hear of that.
    listener.closeAllConnections()
    await run.close(listener)
  })
}

scenario('a status below 100', tcp, async (run) => {
  const { server, client } = run
  const listener = server.net.createServer((peer) => {
    server.log('connection')
    peer.once('data', () => peer.end('HTTP/1.1 000 X\r\nContent-Length: 2\r\n\r\nok'))
  })
  const target = await run.listen(listener)
  const request = client.http.get(toward(target))
  request.on('information', ({ statusCode }) => client.log('information', statusCode))
  const response = await event(request, 'response')
  client.log(response.statusCode, await event(response, 'data'))
  await run.close(listener)
})

scenario('a setHeader() that is watched sees the Host', tcp, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => {
    server.log(request.headers['x-trace'])
    response.end()
  })
  const target = await run.listen(listener)
  const get = async () => {
    const response = await event(client.http.get(toward(target)), 'response')
    response.resume()
    await event(response, 'end')
  }
  await get()
  const { prototype } = client.http.ClientRequest
  const { setHeader } = prototype
  prototype.setHeader = function (name, value) {
    client.log('setHeader', name)
    if (name === 'Host') setHeader.call(this, 'X-Trace', 'seen')
    return setHeader.call(this, name, value)
  }
  await get()
  delete prototype.setHeader
  await get()
  await run.close(listener)
})

const skip = process.env.FERROWIRE_POISON ? 'the reference is poisoned' : false

check('what comes behind a head whose listener has thrown is refused', { skip }, async () => {
  const fixture = path.join(__dirname, 'fixtures/throw-at-head.js')
  const [expected, actual] = await Promise.all(
    ['node:http', 'ferrowire/http'].map((name) => runProgram(process.execPath, [fixture, name])),
  )
  assert.match(expected.stdout, /HPE_CB_HEADERS_COMPLETE/)
  assert.strictEqual(actual.stdout, expected.stdout)
})
