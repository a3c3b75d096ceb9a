'use strict'

// Servers that break off, speak out of turn or speak nonsense, to a client whose agent keeps its connections.

const assert = require('node:assert/strict')
const net = require('node:net')
const { check, scenario } = require('../common/harness')
const { held, listenRaw, makeAgent, toward, watchExchange } = require('../common/http')
const { BUILT_IN, FERROWIRE, sides } = require('../common/modules')
const { event, gate } = require('../common/tools')

const tcp = { over: ['tcp'] }
const OK = 'HTTP/1.1 200 OK\r\n'
const WHOLE = `${OK}Content-Length: 5\r\n\r\nwhole`
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`

// One request, and what is left afterwards. `after` acts once the text has been read.
async function exchange(run, text, { after = () => {}, options, start, busy = false } = {}) {
  const { client } = run
  let peer
  const asked = gate()
  const { listener, target } = await listenRaw(run, (socket, count) => {
    peer = socket
    asked.open()
    if (count === 0) socket.write(text, 'latin1')
  })
  const agent = makeAgent(run, { keepAlive: true })
  const request = client.http.request(toward(target, { agent, ...options }))
  const done = watchExchange(client.log, 'request', request)
  const socket = await (start ?? ((one) => one.end()))(request)
  if (busy) {
    await asked.opened
    await run.turns(4)
    after(peer, request)
  }
  await done
  await run.turns(4)
  client.log(held(agent))
  if (!busy && request.socket && !request.socket.destroyed) {
    const gone = event(request.socket, 'close')
    after(peer, request)
    if (after.length > 0) await gone
    await run.turns(4)
    client.log(held(agent))
  }
  agent.destroy()
  await run.close(listener)
  return socket
}

// --- the end in the middle ----------------------------------------------------------------------

const CUTS = {
  'before anything': '',
  'in the first line': 'HTTP/1.1 2',
  'in a field': `${OK}Content-Le`,
  'behind a head': `${OK}Content-Length: 5\r\n\r\n`,
  'in a body': `${OK}Content-Length: 10\r\n\r\nhello`,
  'in a body without end': `${OK}\r\nhello`,
  'in the size of a chunk': `${CHUNKED}5`,
  'in a chunk': `${CHUNKED}5\r\nhel`,
  'behind a chunk': `${CHUNKED}5\r\nhello\r\n`,
  'in the trailers': `${CHUNKED}5\r\nhello\r\n0\r\nX-T: `,
}
const ENDS = {
  'an end': (peer) => peer.end(),
  'a reset': (peer) => peer.resetAndDestroy(),
}
for (const [how, end] of Object.entries(ENDS)) {
  scenario(`${how} in the middle`, tcp, async (run) => {
    for (const [where, text] of Object.entries(CUTS)) {
      run.client.log('cut', where)
      await exchange(run, text, { after: end, busy: true })
    }
  })
}

// --- out of turn --------------------------------------------------------------------------------

const begin = (request) => {
  request.write('first')
}
scenario('an answer before the request is sent', tcp, (run) =>
  exchange(run, WHOLE, {
    options: { method: 'POST' },
    start: begin,
    busy: true,
    after: (peer, request) => request.end('last'),
  }),
)
scenario('an answer and an end before the request is sent', tcp, async (run) => {
  const text = `${OK}Connection: close\r\nContent-Length: 5\r\n\r\nwhole`
  const after = (peer) => peer.end()
  await exchange(run, text, { options: { method: 'POST' }, start: begin, busy: true, after })
})

const pooled = {
  'a second answer': WHOLE,
  rubbish: 'rubbish\r\n\r\n',
  'the first bytes of an answer': 'HTT',
  'a line end': '\r\n',
}
for (const [name, text] of Object.entries(pooled)) {
  scenario(`${name} on a pooled connection`, tcp, (run) =>
    exchange(run, WHOLE, { after: (peer) => void peer.write(text) }),
  )
}
for (const [how, end] of Object.entries(ENDS)) {
  scenario(`${how} on a pooled connection`, tcp, (run) =>
    exchange(run, WHOLE, { after: (peer) => void end(peer) }),
  )
}
scenario('two answers in one go', tcp, (run) => exchange(run, WHOLE + WHOLE))
scenario('an answer with rubbish behind it', tcp, (run) => exchange(run, `${WHOLE}rubbish\r\n\r\n`))

// Node keeps this connection, and the next request finds half of a foreign answer on it.
check('a next answer that begins with the end of the last ends the connection', async () => {
  if (process.env.INTEROP === BUILT_IN) return
  const { http } = sides[FERROWIRE]
  const listener = net.createServer((peer) => {
    peer.on('error', () => {})
    peer.once('data', () => peer.write(`${WHOLE}HTTP/1.1 2`))
  })
  listener.listen(0, '127.0.0.1')
  await event(listener, 'listening')
  const agent = new http.Agent({ keepAlive: true })
  const request = http.get({ port: listener.address().port, host: '127.0.0.1', agent })
  const response = await event(request, 'response')
  const gone = event(request.socket, 'close')
  let text = ''
  response.on('data', (part) => (text += part))
  await Promise.all([event(request, 'close'), gone])
  assert.deepEqual([text, response.complete, ...held(agent)], ['whole', true, [], [], [], 0])
  listener.close()
})

// Node drops it; ours ends the connection, which must not be told to a request that has its answer.
check('rubbish behind an answer that is still being read', async () => {
  if (process.env.INTEROP === BUILT_IN) return
  const { http } = sides[FERROWIRE]
  let peer
  const listener = net.createServer((socket) => {
    peer = socket.on('error', () => {})
    socket.once('data', () => socket.write(WHOLE))
  })
  listener.listen(0, '127.0.0.1')
  await event(listener, 'listening')
  const agent = new http.Agent({ keepAlive: true })
  const request = http.get({ port: listener.address().port, host: '127.0.0.1', agent })
  const errors = []
  request.on('error', ({ message }) => errors.push(message))
  const response = await event(request, 'response')
  const gone = event(request.socket, 'close')
  // Whole, but unread.
  while (!response.complete) await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
  peer.write('rubbish\r\n\r\n')
  await gone
  let text = ''
  for await (const part of response) text += part
  assert.deepEqual([text, errors, held(agent)], ['whole', [], [[], [], [], 0]])
  listener.close()
})

// The next request must never be given what came before it was asked.
scenario('the request after an answer that came too early', tcp, async (run) => {
  const { client } = run
  const evil = WHOLE.replace('whole', 'evil!')
  const { listener, target } = await listenRaw(run, (peer, count, head) => {
    peer.write(WHOLE.replace('whole', head.split(' ')[1].slice(0, 5).padEnd(5)))
    if (head.startsWith('GET /one')) setImmediate(() => peer.write(evil))
  })
  const agent = makeAgent(run, { keepAlive: true, maxSockets: 1 })
  for (const path of ['/one', '/two', '/tri']) {
    const request = client.http.get(toward(target, { agent, path }))
    const done = watchExchange(client.log, path, request)
    await done
    if (path === '/one') await event(request.socket, 'close')
    await run.turns(4)
  }
  agent.destroy()
  await run.close(listener)
})

// --- nonsense and smuggling ---------------------------------------------------------------------

const NONSENSE = {
  'no HTTP': 'bad http\r\n\r\n',
  'another version': 'HTTP/9.9 200 OK\r\n\r\n',
  'a status of letters': 'HTTP/1.1 2x0 OK\r\n\r\n',
  'a blank in a name': `${OK}a b: c\r\n\r\n`,
  'a blank behind a name': `${OK}Content-Length : 5\r\n\r\nhello`,
  'no colon': `${OK}Content-Length\r\n\r\n`,
  'an empty name': `${OK}: a\r\n\r\n`,
  'line ends without CR': 'HTTP/1.1 200 OK\nContent-Length: 0\n\n',
  'a bare LF in a value': `${OK}a: b\nContent-Length: 0\r\n\r\n`,
  'a bare CR in a value': `${OK}a: b\rc\r\n\r\n`,
  'NUL in a value': `${OK}a: b\0c\r\nContent-Length: 0\r\n\r\n`,
  'NUL in the reason': 'HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n',
  'a control character in a value': `${OK}a: b\x01c\r\nContent-Length: 0\r\n\r\n`,
  'NUL in a name': `${OK}a\0: b\r\n\r\n`,
  'a folded line': `${OK}a: b\r\n c\r\nContent-Length: 0\r\n\r\n`,
  'a folded length': `${OK}Content-Length:\r\n 5\r\n\r\nhello`,
  'length and chunks': `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'chunks and length': `${OK}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
  'two lengths': `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
  'the same length twice': `${OK}Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello`,
  'a list of lengths': `${OK}Content-Length: 5, 5\r\n\r\nhello`,
  'a signed length': `${OK}Content-Length: +5\r\n\r\nhello`,
  'a hexadecimal length': `${OK}Content-Length: 0x5\r\n\r\nhello`,
  'a length beyond 64 bits': `${OK}Content-Length: 99999999999999999999\r\n\r\nhello`,
  'another coding': `${OK}Transfer-Encoding: gzip\r\n\r\nabc`,
  'chunks before another coding': `${OK}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`,
  'chunks twice': `${OK}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`,
  'chunks in odd letters': `${OK}Transfer-Encoding: cHuNkEd\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
  'a coding that only looks like chunks': `${OK}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  'a size of letters': `${CHUNKED}zz\r\n`,
  'a signed size': `${CHUNKED}-5\r\nhello\r\n0\r\n\r\n`,
  'a size beyond 64 bits': `${CHUNKED}11111111111111111\r\nhello`,
  'a blank behind a size': `${CHUNKED}5 \r\nhello\r\n0\r\n\r\n`,
  'a size without CR': `${CHUNKED}5\nhello\r\n0\r\n\r\n`,
  'more than its size': `${CHUNKED}5\r\nhelloX\r\n0\r\n\r\n`,
  'an extension with a bare LF': `${CHUNKED}5;a=b\nhello\r\n0\r\n\r\n`,
  'a body where there is none': `HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello`,
  'a body of 304': `HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\nhello`,
  'fields beyond the limit': `${OK}a: ${'x'.repeat(20000)}\r\n\r\n`,
}
for (const insecureHTTPParser of [false, true]) {
  scenario(`nonsense for a client, lenient ${insecureHTTPParser}`, tcp, async (run) => {
    for (const [name, text] of Object.entries(NONSENSE)) {
      run.client.log('with', name)
      const after = (peer) => peer.end()
      await exchange(run, text, { after, busy: true, options: { insecureHTTPParser } })
    }
  })
}

scenario('a bad head in three pieces', tcp, async (run) => {
  const { client } = run
  const pieces = ['HTTP/1.1', ' 200 OK\r\nCont', 'ent-Length\x01: 5\r\n\r\n']
  const { listener, target } = await listenRaw(run, async (peer) => {
    for (const piece of pieces) {
      peer.write(piece)
      await run.turns(4)
    }
  })
  await watchExchange(client.log, 'request', client.http.get(toward(target)))
  await run.close(listener)
})

scenario('an answer byte by byte', tcp, async (run) => {
  const { client } = run
  const text = `${CHUNKED}5\r\nhello\r\n0\r\nX-T: v\r\n\r\n`
  const { listener, target } = await listenRaw(run, async (peer) => {
    for (const byte of text) {
      peer.write(byte)
      await run.turns(1)
    }
  })
  const agent = makeAgent(run, { keepAlive: true })
  const request = client.http.get(toward(target, { agent }))
  await watchExchange(client.log, 'request', request)
  await run.turns(4)
  client.log(held(agent))
  agent.destroy()
  await run.close(listener)
})

// --- time -----------------------------------------------------------------------------------------

const given = {
  'its own': (target) => ({ ...target, agent: false, timeout: 30 }),
  "its agent's": (target, run) => ({ ...target, agent: makeAgent(run, { timeout: 30 }) }),
}
for (const [whose, options] of Object.entries(given)) {
  scenario(`a request that takes longer than ${whose} timeout`, tcp, async (run) => {
    const { client } = run
    const { listener, target } = await listenRaw(run, () => {})
    const request = client.http.get(options(target, run))
    request.on('timeout', () => request.destroy(new Error('too long')))
    await watchExchange(client.log, 'request', request)
    await run.close(listener)
  })
}
scenario('a connect that never completes', tcp, async (run) => {
  const { client, server } = run
  server.log('nobody listens')
  const lookup = () => {}
  const request = client.http.get({ host: 'nowhere.invalid', agent: false, timeout: 30, lookup })
  request.on('timeout', () => {
    client.log('still connecting', request.socket.connecting)
    request.destroy()
  })
  await watchExchange(client.log, 'request', request)
})
