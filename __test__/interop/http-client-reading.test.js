'use strict'

// Every way to read a response and to feed a request, with answers that come whole, late, cut off and not at all.

const { Duplex, PassThrough, Readable, Writable, finished } = require('node:stream')
const { finished: isFinished, pipeline } = require('node:stream/promises')
const { scenario } = require('../common/harness')
const { held, listenRaw, makeAgent, toward, watchExchange } = require('../common/http')
const { event } = require('../common/tools')

const tcp = { over: ['tcp'] }
const OK = 'HTTP/1.1 200 OK\r\n'
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`
const FIN = (peer) => peer.end()
const RESET = (peer) => peer.resetAndDestroy()

// Pieces of an answer, each said once the one before it has been read.
const ANSWERS = {
  whole: [`${OK}Content-Length: 10\r\n\r\nhelloworld`],
  'in pieces': [`${OK}Content-Length: 10\r\n\r\nhello`, 'world'],
  'in chunks': [`${CHUNKED}5\r\nhello\r\n`, '5\r\nworld\r\n', '0\r\nX-T: v\r\n\r\n'],
  'until the end': [`${OK}\r\nhello`, 'world', FIN],
  'without a body': ['HTTP/1.1 204 No Content\r\n\r\n'],
  'cut off by an end': [`${OK}Content-Length: 10\r\n\r\nhello`, FIN],
  'cut off by a reset': [`${OK}Content-Length: 10\r\n\r\nhello`, RESET],
  'with a bad chunk': [`${CHUNKED}5\r\nhello\r\n`, 'zz\r\n'],
}

const described = (error) => error && [error.name, error.code, error.message]
const told = (note, what) => (error) => note(what, described(error) ?? null)

// Takes its time, and fails after `limit` bytes.
function slow(note, limit = Infinity) {
  let length = 0
  const sink = new Writable({
    highWaterMark: 2,
    write(chunk, encoding, callback) {
      length += chunk.length
      note('written', String(chunk))
      setImmediate(callback, length > limit ? new Error('no more') : null)
    },
  })
  sink.on('error', () => {})
  return sink
}

const WAYS = {
  async iterator(response, note) {
    for await (const chunk of response) note('chunk', String(chunk))
  },
  async 'iterator that breaks'(response, note) {
    for await (const chunk of response) {
      note('chunk', String(chunk))
      break
    }
  },
  async 'iterator that throws'(response) {
    for await (const chunk of response) throw new Error(`not ${chunk}`)
  },
  async 'iterator that stays open'(response, note) {
    for await (const chunk of response.iterator({ destroyOnReturn: false })) {
      note('chunk', String(chunk))
      break
    }
    response.resume()
  },
  toArray: async (response, note) => note('all', (await response.toArray()).join('')),
  async readable(response, note) {
    response.on('readable', () => {
      for (let chunk; (chunk = response.read(3)) !== null;) note('read', String(chunk))
    })
    await isFinished(response)
  },
  async pipe(response, note) {
    response.pipe(slow(note))
    await isFinished(response)
  },
  pipeline: (response, note) => pipeline(response, new PassThrough(), slow(note)),
  'pipeline that fails': (response, note) => pipeline(response, slow(note, 3)),
  async 'pipeline that is aborted'(response, note) {
    const controller = new AbortController()
    response.once('data', () => controller.abort())
    await pipeline(response, slow(note), { signal: controller.signal })
  },
  async finished(response, note) {
    finished(response, told(note, 'finished'))
    finished(response.req, told(note, 'request finished'))
    response.resume()
    await event(response, 'close')
  },
  async web(response, note) {
    const reader = Readable.toWeb(response).getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      note('value', Buffer.from(value).toString())
    }
  },
  async text(response, note) {
    response.setEncoding('latin1')
    note('all', (await response.map((part) => part.toUpperCase()).toArray()).join(''))
  },
  async unshift(response, note) {
    response.once('data', (chunk) => {
      response.pause()
      response.unshift(chunk.subarray(1))
      setImmediate(() => response.resume())
    })
    response.on('data', (chunk) => note('data', String(chunk)))
    await isFinished(response)
  },
  async 'as part of a Duplex'(response, note) {
    for await (const chunk of Duplex.from(response)) note('chunk', String(chunk))
  },
}

// Until the client has read what was sent; one that has stopped reading is not waited for.
async function say(run, peer, pieces, client) {
  let sent = 0
  const isBehind = () => !client.socket.destroyed && client.socket.bytesRead < sent
  for (const piece of pieces) {
    if (peer.destroyed) return
    if (typeof piece === 'string') {
      peer.write(piece)
      sent += piece.length
    } else {
      piece(peer)
    }
    for (let i = 0; i < 100 && isBehind(); i++) await run.turns(1)
    await run.turns(6)
  }
}

for (const [name, pieces] of Object.entries(ANSWERS)) {
  scenario(`ways of reading an answer ${name}`, tcp, async (run) => {
    const { client } = run
    let request
    const { listener, target } = await listenRaw(
      run,
      (peer) => void say(run, peer, pieces, request),
    )
    for (const [way, read] of Object.entries(WAYS)) {
      client.log('way', way)
      const agent = makeAgent(run, { keepAlive: true })
      request = client.http.get(toward(target, { agent }))
      request.on('error', (error) => client.log('request error', described(error)))
      const closed = event(request, 'close')
      const response = await event(request, 'response')
      for (const what of ['end', 'aborted', 'error', 'close']) {
        response.on(what, () => client.log(what, response.complete))
      }
      await read(response, client.log).catch((error) => client.log('failed', described(error)))
      await closed
      await run.turns(8)
      const { complete, readableEnded, destroyed, errored, trailers, socket } = response
      client.log(complete, readableEnded, destroyed, described(errored), trailers, socket === null)
      client.log(held(agent))
      agent.destroy()
      await run.settled(listener)
    }
    await run.close(listener)
  })
}

// --- bodies of requests ---------------------------------------------------------------------------

const parts = ['one ', Buffer.from('two '), 'three']
const FEEDS = {
  pipe: (request) => void Readable.from(parts, { objectMode: false }).pipe(request),
  pipeline: (request) => pipeline(Readable.from(parts), request),
  'corked writes': (request) => {
    request.cork()
    for (const part of parts) request.write(part)
    request.uncork()
    request.end()
  },
  'cork, and end': (request) => {
    request.cork()
    for (const part of parts) request.write(part)
    request.end()
  },
  'flushed head, then all': (request) => {
    request.flushHeaders()
    setImmediate(() => request.end('late'))
  },
  'finished of the request': async (request, note) => {
    finished(request, told(note, 'finished'))
    request.end('body')
  },
  'more than fits': async (request, note) => {
    let drained = 0
    request.on('drain', () => drained++)
    const chunk = Buffer.alloc(100_000, 'c')
    for (let i = 0; i < 20; i++) if (!request.write(chunk)) await event(request, 'drain')
    request.end()
    note('drained', drained > 0)
  },
}

const FAILING = {
  'pipeline that fails': (request) =>
    pipeline(async function* () {
      yield 'one '
      throw new Error('no more')
    }, request),
}

async function feedAll(run, feeds) {
  const { client, server } = run
  for (const headers of [{}, { 'Content-Length': 13 }, { Expect: '100-continue' }]) {
    const listener = server.http.createServer((request, response) => {
      let length = 0
      request.on('data', (part) => (length += part.length))
      request.on('end', () => response.end(`${length}`))
      request.on('error', ({ code }) => server.log(code))
    })
    const target = await run.listen(listener)
    for (const [name, feed] of Object.entries(feeds)) {
      // Lengths that do not match end the connection: who is first told of that is not ordered.
      if (headers['Content-Length'] && !/^pipe|^cork/.test(name)) continue
      client.log(name, headers)
      const agent = makeAgent(run, { keepAlive: true })
      const request = client.http.request(toward(target, { agent, method: 'POST', headers }))
      const done = watchExchange(client.log, 'request', request)
      request.removeAllListeners('drain')
      const fed = async () => feed(request, client.log)
      await fed().catch((error) => client.log('failed', described(error)))
      await done
      await run.turns(8)
      client.log(held(agent))
      agent.destroy()
      await run.settled(listener)
    }
    await run.close(listener)
  }
  server.log('end')
}

scenario('ways of sending a body', tcp, (run) => feedAll(run, FEEDS))
scenario('a body whose source fails', tcp, (run) => feedAll(run, FAILING))
