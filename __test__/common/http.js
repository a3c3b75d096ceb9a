'use strict'

// Words for HTTP scenarios.

const { event } = require('./tools')

const REQUEST = [
  'finish',
  'continue',
  'information',
  'response',
  'timeout',
  'abort',
  'error',
  'close',
]
const INCOMING = ['data', 'end', 'aborted', 'error', 'close']
const RESPONSE = ['finish', 'error', 'close']

// All that a message says of itself, in the order in which it came.
function head(message) {
  const { method, url, statusCode, statusMessage } = message
  const { httpVersion, headers, rawHeaders } = message
  const line = statusCode === null ? { method, url } : { statusCode, statusMessage }
  return { ...line, httpVersion, headers, rawHeaders }
}

function watchIncoming(log, name, message) {
  log(name, head(message))
  return log.watch(name, message, INCOMING)
}

// Logs one request from its start to its 'close', and its response with it.
function watchRequest(log, name, request) {
  log.watch(
    name,
    request,
    REQUEST.filter((what) => what !== 'response'),
  )
  request.on('response', (message) => watchIncoming(log, `${name} response`, message))
  return event(request, 'close')
}

// Resolves with the response once its first bytes are there; these come with the head, so it must
// not be asked later.
const begun = (request) =>
  new Promise((resolve) =>
    request.once('response', (response) => response.once('data', () => resolve(response))),
  )

// What http.request needs to reach `target`.
function toward(target, options) {
  const { path, ...rest } = target
  const place = path === undefined ? rest : { socketPath: path }
  // No agent unless the scenario is about one: a connection for each request.
  return { agent: false, ...place, ...options }
}

// An agent of the client's side that does not outlive the run.
function makeAgent(run, options) {
  const agent = new run.client.http.Agent(options)
  run.cleanup(() => agent.destroy())
  return agent
}

// A client without HTTP: sends `text` and resolves with all that came back until the other side
// closed.
async function sendRaw(net, target, text) {
  const socket = net.connect(target)
  const chunks = []
  socket.on('data', (chunk) => chunks.push(chunk))
  socket.on('error', () => {})
  socket.write(text)
  await event(socket, 'close')
  return Buffer.concat(chunks).toString('latin1')
}

// A server of plain sockets: `answer(peer, count, head)` for each head that comes, `count` per connection.
async function listenRaw(run, answer) {
  const { server } = run
  const listener = server.net.createServer((peer) => {
    let got = ''
    let count = 0
    peer.setEncoding('latin1')
    peer.on('error', () => {})
    peer.on('data', (part) => {
      got += part
      for (let end; (end = got.indexOf('\r\n\r\n')) !== -1;) {
        const head = got.slice(0, end)
        got = got.slice(end + 4)
        answer(peer, count++, head)
      }
    })
  })
  const target = await run.listen(listener)
  server.log('listening')
  return { listener, target }
}

const SOCKET = ['end', 'timeout', 'free', 'agentRemove', 'error', 'close']
const watched = new WeakSet()

// Logs a whole exchange: the request, its response and, once, its socket.
function watchExchange(log, name, request) {
  request.on('socket', (socket) => {
    log(`${name} socket`, request.reusedSocket)
    if (watched.has(socket)) return
    watched.add(socket)
    for (const what of SOCKET) {
      socket.on(what, (detail) => log(`${name} socket ${what}`, detail?.code ?? null))
    }
  })
  log.watch(name, request, ['prefinish', 'drain'])
  return watchRequest(log, name, request)
}

const lengths = (pool) => Object.values(pool).map((list) => list.length)

// What an agent holds, without the names of its pools.
function held({ sockets, freeSockets, requests, totalSocketCount }) {
  return [lengths(sockets), lengths(freeSockets), lengths(requests), totalSocketCount]
}

module.exports = {
  INCOMING,
  RESPONSE,
  begun,
  head,
  held,
  listenRaw,
  makeAgent,
  sendRaw,
  toward,
  watchExchange,
  watchIncoming,
  watchRequest,
}
