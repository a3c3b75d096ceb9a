'use strict'

// Every option of a request: what goes over the wire, and what the connection is made with.

const diagnostics = require('node:diagnostics_channel')
const net = require('node:net')
const { PerformanceObserver } = require('node:perf_hooks')
const tls = require('node:tls')
const { Duplex } = require('node:stream')
const { scenario } = require('../common/harness')
const { head, held, listenRaw, makeAgent, toward, watchExchange } = require('../common/http')
const { event, outcome } = require('../common/tools')

const tcp = { over: ['tcp'] }
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

// Each form of asking, one after the other: the heads that come and what the client hears.
async function askAll(run, forms, answer = ANSWER) {
  const { client, server } = run
  const { listener, target } = await listenRaw(run, (peer, count, text) => {
    server.log(text)
    peer.write(answer, 'latin1')
  })
  const agent = makeAgent(run, { keepAlive: true })
  for (const [name, form] of Object.entries(forms)) {
    client.log('form', name)
    server.log('form', name)
    const ask = typeof form === 'function' ? form : (http, to) => http.request({ ...to, ...form })
    const request = outcome(() => ask(client.http, toward(target, { agent }), run))
    if (request instanceof Error) {
      client.log(request)
      continue
    }
    const done = watchExchange(client.log, 'request', request)
    // A connection that could not be made ends the request without a 'close'.
    const failed = event(request, 'error').then(() => run.turns(6))
    outcome(() => request.end())
    await Promise.race([done, failed])
    await run.turns()
  }
  client.log(held(agent))
  agent.destroy()
  client.http.globalAgent.destroy()
  await run.close(listener)
}

const url = ({ host, port }, rest = '/') => `http://${host}:${port}${rest}`

scenario('how headers are given', tcp, (run) =>
  askAll(run, {
    object: { headers: { B: 1, a: ['x', 'y'], Cookie: ['a=1', 'b=2'], Host: 'h' } },
    'array of pairs': {
      headers: [
        ['A', '1'],
        ['b', ['2', '3']],
        ['A', '4'],
      ],
    },
    'flat array': { headers: ['A', '1', 'b', '2', 'A', '3'] },
    'array with Host': { headers: ['Host', 'h', 'A', '1'] },
    'odd array': { headers: ['A', '1', 'b'] },
    'no Host': { setHost: false },
    'no defaults': { setDefaultHeaders: false },
    'no defaults but Host': { setDefaultHeaders: false, setHost: true },
    'unique ones': { headers: { 'X-A': ['1', '2'], 'X-B': ['3', '4'] }, uniqueHeaders: ['x-a'] },
    'a bad name': { headers: { 'a b': 1 } },
    'a bad value': { headers: { a: 'b\r\nc' } },
    'an undefined value': { headers: { a: undefined } },
    'a bad Host': { headers: { host: ['a', 'b'] } },
    Expect: { headers: { Expect: 'x' } },
    'Connection: close': { headers: { Connection: 'close' } },
    'Transfer-Encoding of GET': { headers: { 'Transfer-Encoding': 'chunked' } },
    upgrade: { headers: { Connection: 'upgrade', Upgrade: 'x' } },
  }),
)

scenario('what is asked of whom', tcp, (run) =>
  askAll(run, {
    auth: { auth: 'me:it€' },
    'auth and Authorization': { auth: 'me:it', headers: { Authorization: 'own' } },
    path: { path: '/a?b=c#d' },
    'a path with a blank': { path: '/a b' },
    'a method': { method: 'put' },
    'a bad method': { method: 'a b' },
    'a method of a number': { method: 5 },
    hostname: (http, to) => http.request({ ...to, hostname: to.host, host: 'ignored.invalid' }),
    'a default port': (http, to) => http.request({ ...to, defaultPort: to.port }),
    'a protocol': { protocol: 'https:' },
    'a host of a number': { host: 5 },
    'a host that is none': { hostname: 'a', host: [] },
    'a bad agent': { agent: 'x' },
    'a text': (http, to) => http.request(url(to, '/text?x=1#y'), { agent: to.agent }),
    'a text with credentials': (http, to) =>
      http.request(url(to).replace('//', '//me:i%40t@'), { agent: to.agent }),
    'a URL': (http, to) => http.request(new URL(url(to, '/url?ä')), { agent: to.agent }),
    'a URL and options': (http, to) =>
      http.request(new URL(url(to, '/url')), { agent: to.agent, path: '/wins', method: 'POST' }),
    'a URL of another kind': (http) => http.request('ftp://127.0.0.1/'),
    'a text that is none': (http) => http.request('nowhere'),
    'a copy of a URL': (http, to) =>
      http.request({
        ...require('node:url').urlToHttpOptions(new URL(url(to, '/copy'))),
        agent: to.agent,
      }),
    'the callback in place of options': (http, to) => http.request(url(to, '/callback'), () => {}),
    nothing: (http) => http.request(),
  }),
)

scenario('a function in the place of options', tcp, async (run) => {
  const { client, server } = run
  server.log('takes no part')
  for (const more of [undefined, 'text', {}]) {
    const request = client.http.request(() => {}, more)
    client.log(request.path, request.listenerCount('response'))
    request.on('error', () => {})
    request.destroy()
    await event(request, 'close')
  }
})

scenario('how the connection is made', tcp, (run) =>
  askAll(run, {
    'from an address': { localAddress: '127.0.0.2' },
    'from a bad address': { localAddress: 'x' },
    'a family': { family: 4, host: 'localhost' },
    'a family that is none': { family: 5, host: 'localhost' },
    'hints that are none': { hints: -1, host: 'localhost' },
    'a lookup': (http, to, run) =>
      http.request({
        ...to,
        host: 'a.invalid',
        lookup(name, options, callback) {
          run.client.log('lookup', name, options)
          if (options.all) callback(null, [{ address: '127.0.0.1', family: 4 }])
          else callback(null, '127.0.0.1', 4)
        },
      }),
    'a lookup that fails': {
      host: 'b.invalid',
      lookup: (name, options, callback) =>
        callback(Object.assign(new Error('no'), { code: 'ENO' })),
    },
    'a lookup that is none': { host: 'c.invalid', lookup: 5 },
    'a path that is no socket': { socketPath: '/nonexistent/socket' },
    'a bad port': { port: 70000 },
    'a timeout': { timeout: 5000 },
    'a timeout that is none': { timeout: 'x' },
    'an abort before': { signal: AbortSignal.abort() },
    'a signal that is none': { signal: 5 },
    'no delay and keep alive': { noDelay: true, keepAlive: true, keepAliveInitialDelay: 1000 },
    'no agent': { agent: false },
    'the global agent': (http, to) => http.request({ ...to, agent: undefined }),
  }),
)

scenario('limits of what is read', tcp, async (run) => {
  const fields = Array.from({ length: 50 }, (_, i) => `h${i}: ${i}\r\n`).join('')
  const answer = `HTTP/1.1 200 OK\r\n${fields}Server: a\r\nServer: b\r\nX: 1\r\nX: 2\r\nContent-Length: 0\r\n\r\n`
  const counted = (count) => (http, to) => {
    const request = http.request(to)
    request.maxHeadersCount = count
    return request
  }
  await askAll(
    run,
    {
      'as they come': {},
      joined: { joinDuplicateHeaders: true },
      'a small head': { maxHeaderSize: 200 },
      'a head of exactly none': { maxHeaderSize: 0 },
      'a bad size': { maxHeaderSize: 'x' },
      'five fields': counted(5),
      'any number of fields': counted(0),
      'a bad joinDuplicateHeaders': { joinDuplicateHeaders: 5 },
      'a bad insecureHTTPParser': { insecureHTTPParser: 5 },
    },
    answer,
  )
})

scenario('how strictly is read', tcp, async (run) => {
  const answers = {
    'a control character in a value': 'HTTP/1.1 200 OK\r\nA: b\x01c\r\nContent-Length: 0\r\n\r\n',
    'a folded line': 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n',
  }
  for (const [name, answer] of Object.entries(answers)) {
    run.client.log(name)
    await askAll(
      run,
      {
        strict: { httpValidation: 'strict' },
        relaxed: { httpValidation: 'relaxed' },
        insecure: { httpValidation: 'insecure' },
        'no such': { httpValidation: 'x' },
        both: { httpValidation: 'strict', insecureHTTPParser: true },
        'a high-water mark': (http, to) => {
          const request = http.request({ ...to, highWaterMark: 100 })
          request.on('socket', (socket) =>
            run.client.log(socket.writableHighWaterMark, request.writableHighWaterMark),
          )
          return request
        },
      },
      answer,
    )
  }
})

// --- who is told ----------------------------------------------------------------------------------

scenario('diagnostics channels of the client', tcp, async (run) => {
  const { client } = run
  let asked
  const names = ['request.created', 'request.start', 'request.error', 'response.finish']
  for (const name of names.map((part) => `http.client.${part}`)) {
    const told = ({ request, response, error }) => {
      // Those of other requests in this process are not ours to tell.
      if (request.getHeader('x-told') !== 'yes') return
      const knows = asked === undefined || request === asked
      client.log(name, knows, response?.statusCode ?? null, error?.code ?? null)
    }
    diagnostics.subscribe(name, told)
    run.cleanup(() => diagnostics.unsubscribe(name, told))
  }
  const free = await run.freePort()
  const headers = { 'X-Told': 'yes' }
  await askAll(run, {
    'an answer': (http, to) => (asked = http.request({ ...to, headers })),
    'nobody there': (http) => (asked = http.request({ port: free, host: '127.0.0.1', headers })),
    'given up': (http, to) => {
      asked = http.request({ ...to, headers, path: '/given/up' })
      asked.on('socket', () => asked.destroy(new Error('mine')))
      return asked
    },
  })
})

scenario('performance entries of the client', tcp, async (run) => {
  const { client } = run
  const entries = []
  const observer = new PerformanceObserver((list) => entries.push(...list.getEntries()))
  observer.observe({ type: 'http' })
  run.cleanup(() => observer.disconnect())
  await askAll(run, { get: { path: '/get' }, post: { method: 'POST', path: '/post' } })
  while (entries.length < 2) await run.turns(1)
  for (const { name, entryType, detail, duration } of entries) {
    const { req, res } = detail
    client.log(name, entryType, req.method, new URL(req.url).pathname, req.headers, duration > 0)
    client.log(res.statusCode, res.statusMessage, res.headers)
  }
})

// --- connections that the user makes ------------------------------------------------------------

class Mock extends Duplex {
  _read() {}
  _write(chunk, encoding, callback) {
    setImmediate(() => this.push(ANSWER))
    callback()
  }
  _final(callback) {
    this.push(null)
    callback()
  }
}

const foreign = { ...tcp, foreign: true }

scenario('createConnection', foreign, (run) => {
  const ours = run.client.net
  const later = (make) => (options, callback) => void setImmediate(() => callback(null, make()))
  const made = (to, connect) => connect(to.port, to.host)
  const form = (create) => (http, to) => {
    const rest = { ...to, agent: undefined }
    return http.request({ ...rest, createConnection: create(rest) })
  }
  return askAll(run, {
    'a socket': form((to) => () => made(to, ours.connect)),
    "a socket of Node's": form((to) => () => made(to, net.connect)),
    'called back with one': form((to) => later(() => made(to, ours.connect))),
    'called back and returned': form((to) => (options, callback) => {
      const socket = made(to, ours.connect)
      callback(null, socket)
      return socket
    }),
    'a Duplex': form(() => () => new Mock()),
    'a failure': form(() => (options, callback) => callback(new Error('mine'))),
    'an exception': form(() => () => {
      throw new Error('thrown')
    }),
    nothing: form(() => (options, callback) => {
      setImmediate(callback, new Error('at last'))
    }),
    "an agent's own": (http, to) => {
      const agent = makeAgent(run, { maxSockets: 1 })
      agent.createConnection = (options, callback) => {
        run.client.log(Object.keys(options).sort(), typeof callback)
        return made(to, ours.connect)
      }
      return http.request({ ...to, agent })
    },
  })
})

scenario('a socket that is connected already, and one that has bytes already', tcp, async (run) => {
  const { client } = run
  const { listener, target } = await listenRaw(run, (peer) => peer.write(ANSWER))
  for (const speaks of [false, true]) {
    const socket = client.net.connect(target)
    await event(socket, 'connect')
    // A server that answers the one request with two: the second waits in the stream.
    if (speaks) {
      socket.write('GET /by/hand HTTP/1.1\r\n\r\n')
      await event(socket, 'readable')
      socket.unshift(socket.read())
    }
    const request = client.http.get({ ...target, createConnection: () => socket })
    await watchExchange(client.log, 'request', request)
  }
  await run.close(listener)
})

// A certificate is not needed: both sides share a key.
const psk = { key: Buffer.from('0123456789abcdef'), identity: 'test' }
const secure = { ciphers: 'PSK', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' }

scenario('createConnection with TLS', foreign, async (run) => {
  const { client, server } = run
  const listener = tls.createServer({ ...secure, pskCallback: () => psk.key }, (peer) => {
    peer.on('error', () => {})
    peer.on('data', (text) => {
      server.log(String(text))
      peer.write(ANSWER)
    })
  })
  const target = await run.listen(listener)
  const agent = makeAgent(run, { keepAlive: true })
  agent.createConnection = ({ host, port }) =>
    tls.connect({
      ...secure,
      host,
      port,
      checkServerIdentity() {},
      pskCallback: () => ({ psk: psk.key, identity: psk.identity }),
    })
  for (const path of ['/one', '/two']) {
    const request = client.http.get(toward(target, { agent, path }))
    const gone = event(request, 'close')
    const response = await event(request, 'response')
    client.log(head(response), request.reusedSocket)
    response.on('data', (text) => client.log(String(text)))
    await gone
    await run.turns()
  }
  agent.destroy()
  listener.close()
  await event(listener, 'close')
})
