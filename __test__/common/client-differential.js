'use strict'

// Gives the same bytes as answers to a client of node:http and to one of ours, and compares what each has told.

const { once } = require('node:events')
const net = require('node:net')
const { duplexPair } = require('node:stream')
const { assertNoneDiffers, withText } = require('./differences')
const { turn } = require('./turn')
const { HOST } = require('./endpoints')
const { saysMore } = require('./says-more')
const { head, held } = require('./http')

const LANES = 48
// The head of a request, wherever it is in what has come.
const REQUEST = /\/([01]) HTTP\/1\.1\r\n.*?\r\n\r\n/s
// Asked for behind the case's own request, on the same agent.
const NEXT = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext'

// What a client is given. `watches`: somebody else listens for the bytes too; `bySelf`: they are not a socket's but come
// from JavaScript; `alone`: without an agent that keeps connections; `deaf`: nobody listens for what is not an answer.
const CONFIGS = {
  plain: {},
  alone: { agent: false },
  lenient: { options: { insecureHTTPParser: true } },
  small: { options: { maxHeaderSize: 300, joinDuplicateHeaders: true }, maxHeadersCount: 5 },
  deaf: { deaf: true },
  watched: { watches: true },
  duplex: { bySelf: true },
}

// How a response is read.
const READINGS = {
  flowing() {},
  text(response) {
    response.setEncoding('utf8')
  },
  late(response) {
    response.pause()
    setImmediate(() => setImmediate(() => response.resume()))
  },
  stopping(response) {
    response.once('data', () => {
      response.pause()
      setImmediate(() => setImmediate(() => response.resume()))
    })
  },
  unread: null,
  destroying(response) {
    response.on('data', () => response.destroy(new Error('enough')))
  },
}

const METHODS = {
  GET: { method: 'GET' },
  HEAD: { method: 'HEAD' },
  POST: { method: 'POST' },
  'POST late': { method: 'POST' },
  CONNECT: { method: 'CONNECT' },
  upgrade: { headers: { Connection: 'Upgrade', Upgrade: 'x' } },
}

const PARSED = ['code', 'message', 'bytesParsed', 'reason']

function describe(error) {
  if (error === undefined || error === null) return null
  return [...PARSED.map((key) => error[key]), error.rawPacket?.latin1Slice()]
}

// Data in one piece, wherever it was cut.
function note(log, id, what, text) {
  const last = log.at(-1)
  if (last?.[0] === id && last[1] === what) last[2] += text
  else log.push([id, what, text])
}

const TOLD = ['finish', 'continue', 'timeout', 'abort', 'close']
const SOCKET = ['end', 'timeout', 'free', 'agentRemove']

// One case on one implementation.
class Player {
  constructor(http, port, number, { pieces, config, reading, method, ending }) {
    Object.assign(this, { http, port, number, pieces, reading, method, ending })
    this.config = CONFIGS[config]
    this.log = []
    this.sockets = []
    this.answering = null
    this.agent = this.config.agent ?? new http.Agent({ keepAlive: true, maxSockets: 1 })
    if (this.config.bySelf) this.agent.createConnection = () => this.connectBySelf()
  }

  // With what an agent that keeps connections asks of them.
  connectBySelf() {
    const [near, far] = duplexPair()
    this.accepted(far)
    for (const name of ['setKeepAlive', 'setTimeout', 'ref', 'unref']) near[name] = () => near
    return near
  }

  // Both requests at once: the second waits for the connection of the first, or for its end.
  async play() {
    const first = this.ask(0, { ...METHODS[this.method], ...this.config.options })
    if (this.method === 'POST late') first.write('first')
    else first.end(this.method === 'POST' ? 'body' : undefined)
    const { maxHeadersCount } = this.config
    if (maxHeadersCount !== undefined) first.maxHeadersCount = maxHeadersCount
    const second = this.agent ? this.ask(1, {}) : null
    second?.end()
    await new Promise((resolve) => (this.onAnswered = resolve))
    if (this.method === 'POST late') first.end('last')
    await this.settle(4)
    const all = second ? [first, second] : [first]
    // It may also wait for ever, in the agent's queue or for the rest of what it took for its answer.
    const isAnswered = () => !second?.socket || second.closed
    for (let i = 0; i < 30 && !isAnswered(); i++) await turn()
    await this.settle(4)
    this.log.push(['left', this.agent ? held(this.agent) : null, all.map(state)])
    for (const request of all) if (!request.closed) request.destroy()
    if (this.agent) this.agent.destroy()
    for (const socket of this.sockets) socket.destroy()
    await this.settle(4)
    // A request that was given up in the queue may have been given a new connection.
    if (this.agent) this.agent.destroy()
    this.log.push(['end', all.map(state), this.sockets.map((socket) => socket.destroyed)])
    return this.log
  }

  ask(id, options) {
    const place = { host: HOST, port: this.port, path: `/${this.number}/${id}`, agent: this.agent }
    const request = this.http.request({ ...place, ...options })
    const say = (...entry) => this.log.push([id, ...entry])
    for (const what of TOLD) request.on(what, () => say(what))
    request.on('error', (error) => say('error', describe(error)))
    request.on('socket', (socket) => {
      const isNew = !this.sockets.includes(socket)
      say('socket', request.reusedSocket, isNew)
      if (isNew) this.follow(socket)
    })
    if (this.reading !== 'unread') request.on('response', (response) => this.read(id, response))
    if (!this.config.deaf) this.hear(request, say)
    return request
  }

  hear(request, say) {
    request.on('information', (information) => say('information', information))
    for (const name of ['upgrade', 'connect']) {
      request.on(name, (response, socket, rest) => {
        say(name, head(response), rest.latin1Slice())
        socket.on('data', (chunk) => note(this.log, name, 'data', chunk.latin1Slice()))
        socket.on('end', () => socket.end('bye'))
      })
    }
  }

  read(id, response) {
    const say = (...entry) => this.log.push([id, 'response', ...entry])
    say(head(response), response.upgrade)
    response.on('data', (chunk) => note(this.log, id, 'data', String(chunk)))
    response.on('end', () => say('end', response.complete, response.rawTrailers, response.trailers))
    for (const what of ['aborted', 'timeout']) response.on(what, () => say(what))
    response.on('error', (error) => say('error', describe(error)))
    response.on('close', () => say('close', response.complete, response.destroyed))
    READINGS[this.reading](response)
  }

  follow(socket) {
    const id = `socket ${this.sockets.push(socket)}`
    const say = (...entry) => this.log.push([id, ...entry])
    for (const what of SOCKET) socket.on(what, () => say(what))
    socket.on('error', (error) => say('error', describe(error)))
    socket.on('close', (hadError) => say('close', Boolean(hadError)))
    if (this.config.watches) {
      socket.on('data', (chunk) => note(this.log, id, 'bytes', chunk.latin1Slice()))
    }
  }

  // --- the other side ---------------------------------------------------------------------------

  accepted(peer, text = '') {
    let got = ''
    const take = (part) => {
      got += part
      for (let found; (found = REQUEST.exec(got)); got = got.slice(found.index + found[0].length)) {
        if (found[1] === '0') this.answering = this.answer(peer)
        else this.answerNext(peer)
      }
    }
    peer.on('error', () => {})
    peer.on('data', (part) => take(part.latin1Slice()))
    peer.on('end', () => peer.end())
    take(text)
  }

  // Each piece once the one before it has had all its effects.
  async answer(peer) {
    const { pieces, ending } = this
    let sent = 0
    for (const [index, piece] of pieces.entries()) {
      if (peer.destroyed) break
      sent += piece.length
      if (ending === 'end at once' && index === pieces.length - 1) peer.end(piece)
      else peer.write(piece)
      await this.settle(3, sent)
    }
    if (ending === 'end') peer.end()
    else if (ending === 'reset') (peer.resetAndDestroy ?? peer.destroy).call(peer)
    await this.settle(6)
    this.onAnswered()
  }

  async answerNext(peer) {
    await this.answering
    if (!peer.destroyed) peer.write(NEXT)
  }

  // Until the client has read what was `sent`, or will not read it; then a few turns.
  async settle(turns, sent = 0) {
    const [socket] = this.sockets
    const isBehind = () => socket && !socket.destroyed && socket.bytesRead < sent
    for (let i = 0; i < 25 && isBehind(); i++) await turn()
    for (let i = 0; i < turns; i++) await turn()
  }
}

function state(request) {
  const { destroyed, aborted, reusedSocket, shouldKeepAlive, writableFinished, closed } = request
  const { res, parser } = request
  const flags = [destroyed, aborted, reusedSocket, shouldKeepAlive, writableFinished, closed]
  return { flags, hasParser: Boolean(parser), response: res && stateOf(res) }
}

function stateOf({ complete, aborted, destroyed, readableEnded, errored, statusCode }) {
  return [complete, aborted, destroyed, readableEnded, errored?.message, statusCode]
}

// A listener whose connections find their player by the number in their first line.
async function listen(players) {
  const listener = net.createServer({ noDelay: true }, (peer) => {
    peer.on('error', () => {})
    peer.once('data', (bytes) => {
      const text = bytes.latin1Slice()
      const number = Number(/ \/(\d+)\//.exec(text)[1])
      players.get(number)?.accepted(peer, text)
    })
  })
  listener.listen(0, HOST)
  await once(listener, 'listening')
  return listener
}

// All of `cases` on one implementation; the logs in their order.
async function playAll(http, cases) {
  const players = new Map()
  const listener = await listen(players)
  const { port } = listener.address()
  const logs = []
  let next = 0
  const lane = async () => {
    while (next < cases.length) {
      const number = next++
      const player = new Player(http, port, number, cases[number])
      players.set(number, player)
      logs[number] = await player.play()
      players.delete(number)
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  listener.close()
  await once(listener, 'close')
  return logs
}

function isComparable({ pieces, method, config }) {
  const { bySelf, options } = CONFIGS[config]
  return !saysMore(pieces, { method, isDropped: bySelf || method === 'POST late', ...options })
}

// Throws, with the first differences in full, when the two are not the same in every case.
async function assertSameClient(ours, theirs, all) {
  const cases = all.filter(isComparable)
  const expected = await playAll(theirs, cases)
  const actual = await playAll(ours, cases)
  assertNoneDiffers(cases, expected, actual, withText)
}

module.exports = {
  CLIENTS: Object.keys(CONFIGS),
  READINGS: Object.keys(READINGS),
  assertSameClient,
  isComparable,
  playAll,
}
