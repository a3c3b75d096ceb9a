'use strict'

// What can be seen of ferrowire/http without using it is what can be seen of node:http.

const builtIn = require('node:http')
const { once } = require('node:events')
const { test } = require('node:test')
const ferrowire = require('ferrowire/http')
const { assertSameSurface } = require('../common/surface')

const OLDER = 'Node 24 has it, this Node does not yet'
const INNER = 'state that no documentation names'

const KNOWN = [
  { of: 'module', key: /^(WebSocket|CloseEvent|MessageEvent)$/, before: 22, because: OLDER },
  {
    of: /^(Agent|ClientRequest)$/,
    key: '[Symbol.hasInstance]',
    because: "Node's own agents and requests, those of https, are instances as well",
  },
  { of: 'accepted request', key: /^(_eventsCount|\[kHeaders\])$/, because: INNER },
  {
    of: 'response',
    key: /^(_maxRequestsPerSocket|\[kUniqueHeaders\])$/,
    because: INNER,
  },
  {
    of: /^(listening server|request|response)$/,
    key: /^\[(ResponseOptions|kLenientCache|ConnectionState)\]$/,
    from: '26.12',
    because: INNER,
  },
  { of: 'module', key: 'setGlobalProxyFromEnv', before: 24, because: OLDER },
  {
    of: /server$/,
    key: /^(httpValidation|\[OptimizeEmptyRequestsOption\])$/,
    before: 24,
    because: OLDER,
  },
  { of: /server$/, key: 'shouldUpgradeCallback', before: 22, because: OLDER },
  {
    of: /(agent|server)$/,
    key: /^(agentK|k)eepAliveTimeoutBuffer$/,
    before: 22,
    because: OLDER,
  },
  {
    of: /^(Agent|Server)\.prototype$/,
    key: /^(createConnection|close|closeAllConnections|closeIdleConnections|\[(Symbol|nodejs)\.asyncDispose\]|\[nodejs\.rejection\])$/,
    before: 22,
    because: 'its functions are named otherwise there',
  },
]

// Both ends of a request and its response, complete.
async function exchange(http) {
  const server = http.createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'request')
  const agent = new http.Agent({ keepAlive: true })
  const request = http.get({ port: server.address().port, host: '127.0.0.1', agent })
  const [message, response] = await accepted
  const answered = once(request, 'response')
  response.end('text')
  const [answer] = await answered
  return { server, agent, request, message, response, answer }
}

async function close({ server, agent, answer }) {
  answer.resume()
  await once(answer, 'end')
  agent.destroy()
  server.close()
  await once(server, 'close')
}

test('http, its classes and their instances', async () => {
  const [theirs, ours] = await Promise.all([exchange(builtIn), exchange(ferrowire)])
  const of = (name, pick) => [name, pick(builtIn), pick(ferrowire)]
  const pairs = [
    of('module', (http) => http),
    of('fresh agent', (http) => new http.Agent()),
    of('fresh server', (http) => new http.Server()),
    of('fresh message', (http) => new http.OutgoingMessage()),
    ['listening server', theirs.server, ours.server],
    ['agent', theirs.agent, ours.agent],
    ['request', theirs.request, ours.request],
    ['accepted request', theirs.message, ours.message],
    ['response', theirs.response, ours.response],
    ['answer', theirs.answer, ours.answer],
  ]
  for (const name of Object.keys(builtIn)) {
    if (typeof builtIn[name] !== 'function' || !(name in ferrowire)) continue
    pairs.push(of(name, (http) => http[name]))
    if (builtIn[name].prototype && ferrowire[name].prototype) {
      pairs.push(of(`${name}.prototype`, (http) => http[name].prototype))
    }
  }
  try {
    assertSameSurface(pairs, KNOWN)
  } finally {
    await Promise.all([close(theirs), close(ours)])
  }
})
