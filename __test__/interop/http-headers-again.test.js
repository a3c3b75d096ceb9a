'use strict'

// `headers` of messages that repeat the fields before them, or their names: each message has an object of its own, whatever
// was done with those of the others.

const { scenario } = require('../common/harness')
const { event } = require('../common/tools')

const tcp = { over: ['tcp'] }
const lines = (...text) => text.join('\r\n')

// Of the i-th message of each kind.
const HEADS = {
  plain: () => lines('Host: a', 'User-Agent: x', 'Accept: */*', 'X-Number: 7'),
  'one differs': (i) => lines('Host: a', `X-Id: ${i}`, 'Accept: */*'),
  'all differ': (i) => lines(`Host: a${i}`, `X-Id: ${i}`, `Content-Type: text/${i}`),
  'in turns': (i) => lines('Host: a', i % 3 ? `X-Id: ${i}` : 'Accept: */*', 'X-Last: 1'),
  'other case': (i) => lines('Host: a', i % 2 ? 'X-Id: 1' : 'x-id: 1', 'X-Last: 1'),
  'other order': (i) => (i % 2 ? lines('Host: a', 'X-Id: 1') : lines('X-Id: 1', 'Host: a')),
  'one more each time': (i) =>
    lines('Host: a', ...Array.from({ length: i }, (_, j) => `X-${j}: ${i}`)),
  repeated: () =>
    lines('Host: a', 'X-A: 1', 'x-a: 2', 'Age: 1', 'age: 2', 'Cookie: a=1', 'cookie: b=2'),
  'repeated, differs': (i) => lines('Host: a', `X-A: ${i}`, 'x-a: 2', `Age: ${i}`, 'age: 2'),
  lists: () => lines('Host: a', 'Set-Cookie: a=1', 'set-cookie: b=2'),
  'lists that differ': (i) => lines('Host: a', `Set-Cookie: a=${i}`, 'X-Last: 1'),
  odd: (i) => lines('Host: a', `__proto__: ${i}`, `constructor: ${i}`, 'toString: z', 'X-Empty:'),
  empty: (i) => lines('Host: a', `X-Empty:${i % 2}`, i % 3 ? 'X-More:' : 'X-More: x'),
  many: () => lines('Host: a', ...Array.from({ length: 31 }, (_, i) => `X-${i}: ${i}`)),
}

// What the user does with the headers of one message.
const uses = {
  none: () => {},
  read: (log, message) => log('headers', { ...message.headers }, Object.keys(message.headers)),
  twice: (log, message) => log('the same', message.headers === message.headers),
  add: (log, { headers }) => (headers['x-added'] = 'added'),
  remove: (log, { headers }) => delete headers.host,
  change: (log, { headers }) => {
    for (const key of Object.keys(headers)) {
      if (Array.isArray(headers[key])) headers[key].push('changed')
      else headers[key] = 'changed'
    }
  },
  replace: (log, message) => (message.headers = { replaced: 'yes' }),
  distinct: (log, message) => log('distinct', { ...message.headersDistinct }),
  kind: (log, { headers }) =>
    log(
      Object.getPrototypeOf(headers) === Object.prototype,
      Object.values(Object.getOwnPropertyDescriptors(headers)).every(
        ({ configurable, enumerable, writable }) => configurable && enumerable && writable,
      ),
    ),
}
const IN_TURN = (
  'none none read read read add read none remove read change read replace read ' +
  'distinct twice kind read'
).split(' ')

// How a server is set up, and what is changed about it after so many requests.
const servers = {
  'as it is': [{}],
  'lines joined': [{ joinDuplicateHeaders: true }],
  'lines joined later': [{}, (server) => (server.joinDuplicateHeaders = true)],
  'few fields later': [{}, (server) => (server.maxHeadersCount = 3)],
  'messages of its own': [{ own: true, requireHostHeader: false }],
}

for (const [title, [{ own, ...options }, change]] of Object.entries(servers)) {
  scenario(`headers of requests again, ${title}`, tcp, async (run) => {
    const { server, client } = run
    if (own) {
      options.IncomingMessage = class extends server.http.IncomingMessage {
        _addHeaderLine(field, value, into) {
          super._addHeaderLine(`own-${field}`, value, into)
        }
      }
    }
    let count = 0
    const listener = server.http.createServer(options, (request, response) => {
      const use = IN_TURN[count++ % IN_TURN.length]
      server.log(use, request.url)
      uses[use](server.log, request)
      response.end('answer')
    })
    const target = await run.listen(listener)
    const socket = client.net.connect(target)
    let text = ''
    let arrived = () => {}
    socket.on('data', (chunk) => {
      text += chunk.latin1Slice()
      arrived()
    })
    await event(socket, 'connect')
    for (const [name, head] of Object.entries(HEADS)) {
      for (let i = 0; i < 2 * IN_TURN.length; i++) {
        if (i === IN_TURN.length) change?.(listener)
        text = ''
        socket.write(`GET /${encodeURI(name)} HTTP/1.1\r\n${head(i)}\r\n\r\n`)
        while (!/\r\n\r\n./.test(text)) await new Promise((resolve) => (arrived = resolve))
      }
    }
    client.log('answered', count)
    socket.destroy()
    await run.close(listener)
  })
}

scenario('headers of responses again', tcp, async (run) => {
  const { server, client } = run
  const all = Object.entries(HEADS)
  const listener = server.net.createServer((peer) => {
    let count = 0
    peer.on('error', () => {})
    peer.on('data', () => {
      const [name, head] = all[Math.floor(count / (2 * IN_TURN.length))]
      server.log('request', name)
      peer.write(`HTTP/1.1 200 Fine\r\nContent-Length: 2\r\n${head(count++)}\r\n\r\nab`)
    })
  })
  const target = await run.listen(listener)
  const agent = new client.http.Agent({ keepAlive: true, maxSockets: 1 })
  for (let i = 0; i < all.length * 2 * IN_TURN.length; i++) {
    const use = IN_TURN[i % IN_TURN.length]
    const joinDuplicateHeaders = i % (2 * IN_TURN.length) >= IN_TURN.length
    const request = client.http.get({ ...target, agent, joinDuplicateHeaders })
    if (i % 11 === 10) request.maxHeadersCount = 2
    const response = await event(request, 'response')
    client.log(use)
    uses[use](client.log, response)
    response.resume()
    await event(response, 'end')
    await run.turns(2)
  }
  agent.destroy()
  await run.close(listener)
})
