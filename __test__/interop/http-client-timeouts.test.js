'use strict'

// When a client's timeouts fire, for whom, and what is left of them on a connection that goes on.

const { scenario } = require('../common/harness')
const { held, listenRaw, makeAgent, toward, watchExchange } = require('../common/http')
const { event } = require('../common/tools')

const tcp = { over: ['tcp'] }
const ANSWER = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
// Long enough for a connection to stand and a head to come, also on a busy machine.
const SHORT = 40
const LONG = 20_000

// What a path asks of the server.
function answer(peer, head) {
  const [, path] = head.split(' ')
  if (path.startsWith('/never')) return
  if (path.startsWith('/continue')) peer.write('HTTP/1.1 100 Continue\r\n\r\n')
  else if (path.startsWith('/half')) peer.write(ANSWER.slice(0, -1))
  else if (path.startsWith('/head')) peer.write(ANSWER.slice(0, 20))
  else peer.write(ANSWER)
}

function told(socket) {
  return socket ? [socket.timeout ?? null, socket.listenerCount('timeout')] : null
}

// One request; whoever is told of a timeout ends it.
async function ask(run, target, options, use = () => {}) {
  const { client } = run
  const request = client.http.request(toward(target, options))
  const done = watchExchange(client.log, options.path, request)
  const end = () => setImmediate(() => request.destroy(new Error('enough')))
  request.on('timeout', () => {
    client.log('told', told(request.socket), request.timeout ?? null)
    end()
  })
  client.log(use(request, end) === request)
  request.end()
  await done
  await run.turns(4)
  client.log('left', told(request.socket), request.timeout ?? null, request.timeoutCb === null)
}

const noted = (run, what, end) => () => {
  run.client.log(what)
  end?.()
}

// [path, options, what is done with the request].
const CASES = {
  'an option': ['/never', { timeout: SHORT }],
  'an option, in the head': ['/head', { timeout: SHORT }],
  'an option, in the body': ['/half', { timeout: SHORT }],
  'an option, after 100': ['/continue', { timeout: SHORT, headers: { Expect: '100-continue' } }],
  'before there is a socket': ['/never', {}, (request) => request.setTimeout(SHORT)],
  'with a callback': [
    '/never',
    {},
    (request, run) => request.setTimeout(SHORT, noted(run, 'mine')),
  ],
  'with its socket': [
    '/never',
    {},
    (request, run) =>
      request.on('socket', () => request.setTimeout(SHORT, noted(run, 'with socket'))),
  ],
  'once connected': [
    '/never',
    {},
    (request) =>
      request.on('socket', (socket) => socket.on('connect', () => request.setTimeout(SHORT))),
  ],
  'when sent': ['/never', {}, (request) => request.on('finish', () => request.setTimeout(SHORT))],
  'with the response': [
    '/half',
    {},
    (request) => request.on('response', () => request.setTimeout(SHORT)),
  ],
  'twice, the shorter last': [
    '/never',
    {},
    (request, run) =>
      request.setTimeout(LONG, noted(run, 'long')).setTimeout(SHORT, noted(run, 'short')),
  ],
  'twice, the option shorter': [
    '/never',
    { timeout: SHORT },
    (request) => request.setTimeout(SHORT * 2),
  ],
  "the response's": [
    '/half',
    {},
    (request, run, end) =>
      request.on('response', (response) => {
        run.client.log(response.setTimeout(SHORT, noted(run, "the response's", end)) === response)
      }),
  ],
  "the response's, heard": [
    '/half',
    { timeout: SHORT },
    (request, run) =>
      request.on('response', (response) => response.on('timeout', noted(run, 'response timeout'))),
  ],
  "the socket's": [
    '/never',
    {},
    (request, run, end) =>
      request.on('socket', (socket) => socket.setTimeout(SHORT, noted(run, "the socket's", end))),
  ],
  'cleared by 0': ['/', { timeout: SHORT }, (request) => request.setTimeout(0)],
  'longer than the answer takes': ['/', { timeout: LONG }],
  'a callback that is none': [
    '/',
    {},
    (request, run) => {
      try {
        request.setTimeout(LONG, 5)
      } catch (error) {
        run.client.log(error.code, error.message)
      }
    },
  ],
}

const AGENTS = {
  'no agent': null,
  'an agent with a timeout': { timeout: 3 * LONG },
}
for (const [whose, options] of Object.entries(AGENTS)) {
  scenario(`when a request times out, ${whose}`, { ...tcp, timeout: 15_000 }, async (run) => {
    const { client } = run
    const { listener, target } = await listenRaw(run, (peer, count, head) => answer(peer, head))
    for (const [name, [path, more, use]] of Object.entries(CASES)) {
      client.log('case', name)
      const agent = options && makeAgent(run, { keepAlive: true, ...options })
      const given = { path, ...more, agent: agent ?? false }
      await ask(run, target, given, (request, end) => use?.(request, run, end))
      if (agent === null) continue
      client.log(held(agent))
      agent.destroy()
      await run.settled(listener)
    }
    await run.close(listener)
  })
}

// What one request has set must not be left for the next.
scenario('timeouts of requests that share a connection', tcp, async (run) => {
  const { client } = run
  const { listener, target } = await listenRaw(run, (peer, count, head) => answer(peer, head))
  const rows = [
    {},
    { timeout: LONG },
    { timeout: LONG + 1 },
    {},
    { timeout: 0 },
    { timeout: SHORT },
  ]
  for (const timeout of [undefined, LONG, LONG * 2]) {
    const agent = makeAgent(run, { keepAlive: true, maxSockets: 1, timeout })
    for (const [i, options] of rows.entries()) {
      const path = i === rows.length - 1 ? '/never' : '/'
      await ask(run, target, { path, ...options, agent }, (request) =>
        request.on('socket', (socket) => client.log('reused', request.reusedSocket, told(socket))),
      )
      client.log(held(agent))
    }
    agent.destroy()
    await run.settled(listener)
  }
  await run.close(listener)
})

scenario('the timeout of a request that waits for a connection', tcp, async (run) => {
  const { client } = run
  let first
  const { listener, target } = await listenRaw(run, (peer, count, head) => {
    if (head.startsWith('GET /first')) first = peer
    else answer(peer, head)
  })
  const agent = makeAgent(run, { keepAlive: true, maxSockets: 1 })
  const busy = client.http.get(toward(target, { agent, path: '/first' }))
  busy.on('response', (response) => response.resume())
  const waiting = ask(run, target, { agent, path: '/never/2', timeout: SHORT }, (request) =>
    request.setTimeout(SHORT, () => client.log('its callback')),
  )
  // Longer than its timeout: it does not count before there is a connection.
  await run.wait(2 * SHORT)
  client.log('answered', held(agent))
  first.write(ANSWER)
  await Promise.all([event(busy, 'close'), waiting])
  agent.destroy()
  await run.close(listener)
})

scenario('a name that is never found, and timeouts', tcp, async (run) => {
  const { client, server } = run
  server.log('nobody is asked')
  const ways = {
    'an option': { timeout: SHORT },
    "the agent's": { agent: makeAgent(run, { timeout: SHORT }) },
    both: { timeout: SHORT, agent: makeAgent(run, { timeout: LONG }) },
  }
  for (const [name, options] of Object.entries(ways)) {
    client.log('way', name)
    const given = { host: 'nowhere.invalid', lookup() {}, agent: false, path: '/', ...options }
    const request = client.http.get(given)
    const done = watchExchange(client.log, name, request)
    request.on('timeout', () => {
      client.log(request.socket.connecting, told(request.socket))
      request.destroy()
    })
    await done
  }
})
