'use strict'

// Who makes a client's connections: an agent's own createConnection() in all its forms, agents with little room for several
// peers, local sockets; and to whom odd addresses lead.

const { scenario } = require('../common/harness')
const { held, listenRaw, makeAgent, toward, watchExchange } = require('../common/http')
const { event, outcome } = require('../common/tools')
const { duplexPair } = require('node:stream')

const tcp = { over: ['tcp'] }
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

// --- createConnection() of an agent -------------------------------------------------------------

// A stream that is no socket, with what an agent asks of one that it keeps.
function mock() {
  const [near, far] = duplexPair()
  far.on('data', () => far.write(ANSWER))
  for (const name of ['setKeepAlive', 'setTimeout', 'ref', 'unref']) near[name] = () => near
  return near
}

// Each makes the connections of an agent; `made` gives a socket that is being connected.
const MAKERS = {
  'returns a socket': (made) => () => made(),
  'calls back at once': (made) => (options, callback) => void callback(null, made()),
  'calls back later': (made) => (options, callback) =>
    void setImmediate(() => callback(null, made())),
  'calls back and returns': (made) => (options, callback) => {
    const socket = made()
    callback(null, socket)
    return socket
  },
  'calls back twice': (made) => (options, callback) => {
    callback(null, made())
    callback(new Error('too late'))
  },
  'returns a stream': () => () => mock(),
  'calls back with a stream': () => (options, callback) =>
    void process.nextTick(callback, null, mock()),
  'fails at once': () => (options, callback) => void callback(new Error('mine')),
  'fails later': () => (options, callback) => void setImmediate(callback, new Error('mine')),
  throws: () => () => {
    throw new Error('thrown')
  },
  'fails the first time': (made) => {
    let count = 0
    return (options, callback) =>
      ++count === 1 ? void setImmediate(callback, new Error('first')) : made()
  },
}

for (const [name, make] of Object.entries(MAKERS)) {
  const isBad = /fails (at once|later)|throws/.test(name)
  scenario(`an agent whose createConnection ${name}`, tcp, async (run) => {
    const { client, server } = run
    const { listener, target } = await listenRaw(run, (peer, count) => {
      server.log('asked', count)
      peer.write(ANSWER)
    })
    const agent = makeAgent(run, { keepAlive: true, maxSockets: 1 })
    agent.createConnection = make(() => client.net.connect(target))
    const ask = async (path) => {
      const log = run.lane(path)
      log('asked')
      const request = outcome(() => client.http.get(toward(target, { agent, path })))
      if (request instanceof Error) return log(request)
      const done = watchExchange(log, 'request', request)
      // A connection that could not be made may end its request without a 'close', and leave the others in the queue.
      const failed = event(request, 'error').then(() => run.turns(6))
      await Promise.race([done, failed, ...(isBad ? [run.turns(20)] : [])])
      return run.turns(6)
    }
    // At once, where no connections are that nothing would order.
    if (isBad) await Promise.all(['/1', '/2', '/3'].map(ask))
    else for (const path of ['/1', '/2', '/3']) await ask(path)
    await run.turns(6)
    client.log(held(agent))
    server.log('end')
    agent.destroy()
    agent.requests = {}
    await run.settled(listener)
    await run.close(listener)
  })
}

// --- several peers --------------------------------------------------------------------------------

scenario('little room in all for several peers', tcp, async (run) => {
  const { client, server } = run
  let isOrdered
  const { listener, target } = await listenRaw(run, (peer, count, head) => {
    if (isOrdered) server.log(count, head.split(' ')[1])
    // Not before all of them are asked.
    setImmediate(() => peer.write(ANSWER))
  })
  for (const options of [{ maxTotalSockets: 1 }, { maxTotalSockets: 2, maxSockets: 1 }]) {
    // With room for two the peers take turns as they are answered.
    isOrdered = options.maxTotalSockets === 1
    const agent = makeAgent(run, { keepAlive: true, ...options })
    const order = []
    const all = ['127.0.0.1', '127.0.0.1', 'localhost', '127.0.0.1', 'localhost'].map((host, i) => {
      const where = { ...toward(target, { agent, path: `/${host}/${i}` }), host, family: 4 }
      const request = client.http.get(where, (response) => response.resume())
      request.on('socket', () => order.push(i))
      return event(request, 'close')
    })
    client.log(held(agent))
    await Promise.all(all)
    await run.turns(6)
    client.log(isOrdered ? order : order.length, isOrdered && held(agent))
    agent.destroy()
    await run.settled(listener)
  }
  server.log('end')
  await run.close(listener)
})

scenario('names of pools', tcp, async (run) => {
  const { client, server } = run
  server.log('none is asked')
  const agent = makeAgent(run)
  const rows = [
    undefined,
    {},
    { host: 'a' },
    { port: 80 },
    { host: 'a', port: '80', localAddress: 'b' },
    { host: '::1', family: 6 },
    { family: 4 },
    { family: 0 },
    { socketPath: '/x' },
    { host: 'a', socketPath: '/x', family: 6 },
    { host: '', port: 0, localAddress: '' },
  ]
  for (const row of rows) client.log(row, agent.getName(row))
})

scenario('an agent on local sockets', { over: ['local'] }, async (run) => {
  const { client } = run
  const raw = [
    await listenRaw(run, (peer) => peer.write(ANSWER)),
    await listenRaw(run, (peer) => peer.write(ANSWER)),
  ]
  const agent = makeAgent(run, { keepAlive: true })
  for (const [which, path] of ['/a', '/b', '/c', '/d'].entries()) {
    const { target } = raw[which % 2]
    const request = client.http.get(toward(target, { agent, path }))
    await watchExchange(client.log, path, request)
    await run.turns()
    client.log(request.reusedSocket, request.getHeader('host'), held(agent))
  }
  agent.destroy()
  for (const { listener } of raw) await run.close(listener)
})

// --- odd addresses ----------------------------------------------------------------------------------

const urls = (base) => [
  base,
  `${base}/`,
  `${base}?q`,
  `${base}/#fragment`,
  `${base}//double//`,
  `${base}/a/../b/./c`,
  `${base}/ä ö?ü=é x#z`,
  `${base}/%zz%20`,
  `${base}/\ttab\nline`,
  `${base}/[x]{y}|^\`"<>\\`,
  `${base}/\u{1f600}?\u{1f600}`,
  base.replace('//', '//:@'),
  base.replace('//', '//user@'),
  base.replace('//', '//us%20er:p%3Aa%40ss@'),
  base.replace('//', '//%E4:%C3%A9@'),
  base.replace('127.0.0.1', '127.1'),
  base.replace('127.0.0.1', '0x7f000001'),
  base.replace('http:', 'HTTP:'),
  base.replace('http:', 'https:'),
  'http://',
  'http://a b/',
  'http://[::1',
  'http://127.0.0.1:99999/',
  '/only/a/path',
]
const METHODS = ['get', 'M-SEARCH', 'QUERY', 'unheard', '', 'GE T', 'GET\n', 'é', 5, null, {}, []]
const AUTHS = ['a:b', ':', 'é:€', 'a:b:c', '\u{1f600}', 'x'.repeat(100)]

scenario('odd addresses, methods and names', tcp, async (run) => {
  const { client, server } = run
  const { listener, target } = await listenRaw(run, (peer, count, head) => {
    server.log(head)
    peer.write(ANSWER)
  })
  const agent = makeAgent(run, { keepAlive: true })
  const base = `http://${target.host}:${target.port}`
  const forms = [
    ...urls(base).flatMap((url) => [[url], [outcome(() => new URL(url))]]),
    ...METHODS.map((method) => [base, { method }]),
    ...AUTHS.map((auth) => [base, { auth }]),
  ]
  for (const [url, options] of forms) {
    // What could not be made an URL of is no case of its own.
    if (url instanceof Error) continue
    const request = outcome(() => client.http.request(url, { agent, ...options }))
    client.log(String(url), options?.method ?? null)
    if (request instanceof Error) {
      client.log(request)
      continue
    }
    const done = watchExchange(client.log, 'request', request)
    request.end()
    await done
    await run.turns()
  }
  agent.destroy()
  await run.close(listener)
})
