'use strict'

// Requests whose heads repeat one another, or nearly: each must go out with its own. And the listeners that a socket has
// for the time of a request.

const { once } = require('node:events')
const { scenario } = require('../common/harness')
const { event } = require('../common/tools')

const tcp = { over: ['tcp'] }
const TIMES = 3

// Options of a request, then what is done with it before end(). The name says what may make it other than plain.
const requests = {
  nothing: [{}],
  'another path': [{ path: '/other?x=1' }],
  'another method': [{ method: 'DELETE' }],
  'no body by its method': [{ method: 'HEAD' }],
  options: [{ method: 'OPTIONS', path: '*' }],
  'a few fields': [{ headers: { Accept: '*/*', 'X-Number': 7, Authorization: 'Bearer abc' } }],
  'the same, one changed': [
    { headers: { Accept: '*/*', 'X-Number': 8, Authorization: 'Bearer abc' } },
  ],
  'the same, other order': [
    { headers: { 'X-Number': 7, Accept: '*/*', Authorization: 'Bearer abc' } },
  ],
  'names in another case': [
    { headers: { accept: '*/*', 'x-number': 7, AUTHORIZATION: 'Bearer abc' } },
  ],
  'a Host of its own': [{ headers: { Host: 'example.org', Accept: '*/*' } }],
  'a Host in lower case': [{ headers: { host: 'example.org' } }],
  'an empty value': [{ headers: { 'X-Empty': '' } }],
  'latin1 in a value': [{ headers: { 'X-Name': 'grün' } }],
  'a list of values': [{ headers: { 'X-List': ['a', 'b'], Cookie: ['a=1', 'b=2'] } }],
  'a value that is no string': [{ headers: { 'X-True': true, 'X-Null': null } }],
  'Connection: close': [{ headers: { Connection: 'close' } }],
  'Connection: keep-alive': [{ headers: { connection: 'keep-alive' } }],
  'Keep-Alive': [{ headers: { 'Keep-Alive': 'timeout=5' } }],
  Date: [{ headers: { Date: 'Sun, 06 Nov 1994 08:49:37 GMT' } }],
  'a disposition': [{ headers: { 'Content-Disposition': 'inline; filename="grün"' } }],
  'a length without a body': [{ headers: { 'Content-Length': 0 } }],
  'a known body': [{ method: 'POST' }, (req) => req.end('body')],
  'a known body of bytes': [{ method: 'PUT' }, (req) => req.end(Buffer.from('bytes'))],
  'an empty body': [{ method: 'POST' }, (req) => req.end('')],
  'a body with its length': [
    { method: 'POST', headers: { 'Content-Length': '4', 'X-Last': 'x' } },
    (req) => req.end('body'),
  ],
  'chunks by a field': [
    { method: 'POST', headers: { 'Transfer-Encoding': 'chunked' } },
    (req) => req.end('body'),
  ],
  'chunks because written': [
    { method: 'POST' },
    (req) => {
      req.write('one')
      req.end('two')
    },
  ],
  'a body of a GET': [{}, (req) => req.end('body')],
  'trailers announced': [
    { method: 'POST', headers: { Trailer: 'X-End' } },
    (req) => {
      req.write('one')
      req.addTrailers({ 'X-End': 'yes' })
    },
  ],
  'set afterwards': [{}, (req) => req.setHeader('X-Later', 'later')],
  'appended afterwards': [
    { headers: { 'X-More': 'one' } },
    (req) => req.appendHeader('X-More', 'two'),
  ],
  'removed afterwards': [
    { headers: { 'X-More': 'one', 'X-Less': 'two' } },
    (req) => req.removeHeader('x-more'),
  ],
  'Host removed': [{}, (req) => req.removeHeader('host')],
  'Host replaced': [{}, (req) => req.setHeader('host', 'example.net')],
  'Connection removed': [{}, (req) => req.removeHeader('connection')],
  'length removed': [{ method: 'POST' }, (req) => req.removeHeader('content-length')],
  'chunks removed': [{ method: 'POST' }, (req) => req.removeHeader('transfer-encoding')],
  'not kept alive': [{}, (req) => (req.shouldKeepAlive = false)],
  'sent ahead of its end': [{ method: 'POST' }, (req) => req.flushHeaders()],
  'own _storeHeader': [
    {},
    (req) => {
      req._storeHeader = function (line, fields) {
        Object.getPrototypeOf(req)._storeHeader.call(req, line.replace('/', '/stored'), fields)
      }
    },
  ],
}

function look(req) {
  const { _header, _headerSent, _last, shouldKeepAlive, chunkedEncoding, _contentLength } = req
  return { _header, _headerSent, _last, shouldKeepAlive, chunkedEncoding, _contentLength }
}

for (const keepAlive of [true, false]) {
  scenario(`request heads, keepAlive ${keepAlive}`, tcp, async (run) => {
    const { server, client } = run
    const listener = server.http.createServer({ requireHostHeader: false }, async (req, res) => {
      let body = ''
      req.on('data', (chunk) => (body += chunk.latin1Slice()))
      await once(req, 'end')
      server.log(req.method, req.url, req.rawHeaders.join('|'), body, req.rawTrailers)
      res.end('answer')
    })
    const { port, ...target } = await run.listen(listener)
    for (const [title, [options, act]] of Object.entries(requests)) {
      const agent = new client.http.Agent({ keepAlive, maxSockets: 1 })
      for (let i = 0; i < TIMES; i++) {
        let req
        try {
          req = client.http.request({ ...target, port, agent, ...options })
          act?.(req)
        } catch (error) {
          client.log(title, 'thrown', error.code, error.message)
          req?.destroy()
          req?.on('error', () => {})
          continue
        }
        req.end()
        client.log(title, look(req), req.getRawHeaderNames(), req.getHeaders())
        const res = await event(req, 'response')
        res.resume()
        await event(res, 'end')
      }
      agent.destroy()
    }
    await run.close(listener)
  })
}

// Those of 'data', 'drain' and 'error' differ, see docs/http.md.
const EVENTS = ['close', 'end', 'free', 'timeout']

scenario('listeners of a socket with requests', tcp, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((req, res) => {
    server.log(req.url)
    res.end(req.url)
  })
  const target = await run.listen(listener)
  const agent = new client.http.Agent({ keepAlive: true, maxSockets: 1 })
  let socket

  function ask(path, act = () => {}) {
    return new Promise((resolve) => {
      const req = client.http.get({ ...target, agent, path })
      const tell = (when) =>
        client.log(path, when, ...EVENTS.map((name) => req.socket?.listenerCount(name)))
      req.on('socket', () => {
        ;({ socket } = req)
        tell('socket')
        act(socket)
        tell('after')
      })
      req.on('response', (res) => {
        tell('response')
        res.on('data', () => tell('data'))
        res.on('end', () => {
          tell('end')
          process.nextTick(tell, 'behind end')
        })
      })
      req.on('close', () => {
        tell('close')
        setImmediate(resolve)
      })
    })
  }

  const told = (name) => () => client.log('told of', name)
  const mine = Object.fromEntries(EVENTS.map((name) => [name, told(name)]))
  await ask('/first')
  await ask('/again')
  await ask('/listening', (s) => {
    for (const name of ['end', 'close', 'timeout']) s.on(name, mine[name])
  })
  await ask('/still')
  await ask('/no-longer', (s) => {
    for (const name of ['end', 'close', 'timeout']) s.removeListener(name, mine[name])
  })
  await ask('/ahead', (s) => {
    for (const name of ['end', 'close', 'timeout']) s.prependListener(name, mine[name])
  })
  await ask('/watching', (s) => {
    s.on('newListener', (name) => EVENTS.includes(name) && client.log('new', name))
    s.on('removeListener', (name) => EVENTS.includes(name) && client.log('removed', name))
  })
  await ask('/watched')
  await ask('/none', (s) => {
    s.removeAllListeners('newListener')
    s.removeAllListeners('removeListener')
    s.removeAllListeners('timeout')
  })
  await ask('/timeout', (s) => s.emit('timeout'))
  client.log(EVENTS.map((name) => socket.listenerCount(name)))
  agent.destroy()
  await event(socket, 'close')
  client.log(EVENTS.map((name) => socket.listenerCount(name)))
  await run.close(listener)
})
