'use strict'

// Bodies of many reads, which the engine brings in buffers of their own, past the parser.

const { createHash } = require('node:crypto')
const { scenario } = require('../common/harness')
const { makeAgent, toward } = require('../common/http')
const { event } = require('../common/tools')

const SIZE = 3_000_000
const BODY = Buffer.alloc(SIZE)
for (let i = 0; i < SIZE; i++) BODY[i] = (i * 31 + (i >> 8)) & 0xff

// Reads to the end and tells what came, of which nothing may depend on how it was cut.
async function readAll(stream) {
  const hash = createHash('sha256')
  const seen = { bytes: 0, longest: 0, whole: true, own: true }
  stream.on('data', (chunk) => {
    seen.bytes += chunk.length
    seen.longest = Math.max(seen.longest, chunk.length)
    seen.own &&= chunk.length < 8192 || chunk.buffer.byteLength <= 2 * chunk.length
    hash.update(chunk)
  })
  await event(stream, 'end')
  const { bytes, longest, own } = seen
  const sum = hash.digest('hex')
  return {
    bytes,
    sum,
    own,
    isShort: longest <= 65536,
    complete: stream.complete,
    ...stream.trailers,
  }
}

const answers = {
  'with a length': (response) => {
    response.setHeader('Content-Length', SIZE)
    response.end(BODY)
  },
  'in large chunks': (response) => {
    response.setHeader('Trailer', 'X-T')
    for (let at = 0; at < SIZE; at += 400_000) response.write(BODY.subarray(at, at + 400_000))
    response.addTrailers({ 'x-t': 'v' })
    response.end()
  },
  'in many chunks': (response) => {
    for (let at = 0; at < SIZE; at += 5000) response.write(BODY.subarray(at, at + 5000))
    response.end()
  },
  'until the end': (response) => {
    response.useChunkedEncodingByDefault = false
    response.shouldKeepAlive = false
    response.removeHeader('transfer-encoding')
    response.end(BODY)
  },
}

for (const [name, answer] of Object.entries(answers)) {
  scenario(`a large body ${name}`, {}, async (run) => {
    const { server, client } = run
    const listener = server.http.createServer(async (request, response) => {
      server.log(await readAll(request))
      answer(response)
    })
    const target = await run.listen(listener)
    const agent = makeAgent(run, { keepAlive: true, maxSockets: 1 })
    // Twice, so that a body also meets a connection that has seen one, and a small one in between.
    for (const body of [BODY, Buffer.from('small'), BODY]) {
      const request = client.http.request(toward(target, { agent, method: 'POST' }))
      request.end(body)
      const response = await event(request, 'response')
      client.log(await readAll(response))
    }
    agent.destroy()
    await run.close(listener)
  })
}

scenario('two large answers in one go', { over: ['tcp'] }, async (run) => {
  const { server, client } = run
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${SIZE}\r\n\r\n`
  const listener = server.net.createServer((peer) => {
    peer.on('error', () => {})
    server.log('connection')
    // Nobody asked for the second one: the connection must not live on with it.
    peer.once('data', () =>
      peer.write(Buffer.concat([Buffer.from(head), BODY, Buffer.from(head), BODY])),
    )
  })
  const target = await run.listen(listener)
  const agent = makeAgent(run, { keepAlive: true })
  const request = client.http.get(toward(target, { agent }))
  const [response] = await Promise.all([event(request, 'response'), event(request, 'socket')])
  const { socket } = request
  const gone = event(socket, 'close')
  client.log(await readAll(response))
  await gone
  client.log(socket.destroyed, Object.keys(agent.freeSockets).length)
  await run.close(listener)
})

scenario('a large body that is paused', {}, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => {
    server.log('request')
    request.resume()
    response.setHeader('Content-Length', SIZE)
    response.end(BODY)
  })
  const target = await run.listen(listener)
  const request = client.http.get(toward(target))
  const response = await event(request, 'response')
  await run.turns(20)
  const most = response.readableHighWaterMark + 65536
  client.log(response.complete, response.readableLength > 0, response.readableLength <= most)
  response.once('data', () => response.pause())
  await event(response, 'pause')
  await run.turns(20)
  client.log(response.complete, response.readableLength <= most)
  const rest = readAll(response)
  response.resume()
  const { complete } = await rest
  client.log(complete)
  await run.close(listener)
})

for (const [name, give] of Object.entries({
  destroyed: (request, response) => response.destroy(),
  aborted: (request) => request.destroy(),
})) {
  scenario(`a large body ${name} in its first piece`, {}, async (run) => {
    const { server, client } = run
    const listener = server.http.createServer((request, response) => {
      server.log('request')
      response.on('error', () => {})
      response.end(BODY)
    })
    const target = await run.listen(listener)
    const request = client.http.get(toward(target))
    let pieces = 0
    request.on('response', (response) =>
      response.on('data', () => {
        pieces++
        give(request, response)
      }),
    )
    await watchRequestQuietly(client.log, request)
    client.log('pieces', pieces)
    await run.close(listener)
  })
}

// As watchRequest, without the bytes.
async function watchRequestQuietly(log, request) {
  log.watch('request', request, ['abort', 'error', 'close'])
  request.on('response', (response) => {
    log.watch('response', response, ['aborted', 'error', 'end', 'close'])
  })
  await event(request, 'close')
}
