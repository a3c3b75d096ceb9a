'use strict'

// Plays a program of request-programs.js on one implementation's client, against a plain socket of node:net, and gives the
// log of everything.

const { once } = require('node:events')
const net = require('node:net')
const { assertNoneDiffers } = require('./differences')
const { turn } = require('./turn')
const { HOST } = require('./endpoints')
const { head, held } = require('./http')
const { fresh } = require('./response-programs')

const LANES = 32
const HEAD = ' HTTP/1.1\r\n'
const NEXT = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext'

const TOLD = ['prefinish', 'finish', 'drain', 'continue', 'timeout', 'abort', 'close']
const SOCKET = ['connect', 'end', 'timeout', 'free', 'agentRemove']

const described = (error) => error && [error.name, error.code, error.message]

class Player {
  constructor(http, program) {
    Object.assign(this, { http, program })
    this.log = []
    this.sockets = []
    this.peers = new Map()
    this.subjects = { request: null, response: null, socket: null, agent: null, peer: null }
    this.subjects.controller = new AbortController()
    this.received = []
    this.isOver = false
  }

  note(...entry) {
    this.log.push(entry)
  }

  // Data in one entry, wherever it was cut.
  noteData(id, chunk) {
    const text = typeof chunk === 'string' ? chunk : chunk.latin1Slice()
    const last = this.log.at(-1)
    if (last?.[0] === id && last[1] === 'data') last[2] += text
    else this.note(id, 'data', text)
  }

  async play() {
    const { agent, options, isAbortable, isQueued, steps } = this.program
    const { subjects } = this
    const listener = net.createServer({ noDelay: true }, (peer) => this.accepted(peer))
    listener.listen(0, HOST)
    await once(listener, 'listening')
    this.port = listener.address().port
    if (agent) subjects.agent = new this.http.Agent(agent)
    const signal = isAbortable ? subjects.controller.signal : undefined
    const first = isQueued && subjects.agent ? this.ask('before', {}) : null
    first?.end()
    try {
      subjects.request = this.ask('request', { ...fresh(options), signal })
    } catch (error) {
      this.note('request', 'thrown', described(error))
    }
    for (const { call, waits } of subjects.request ? steps : []) {
      if (call[1] === 'wait') await this.connected()
      else this.act(call)
      await this.settle(waits)
    }
    await this.settle(6)
    this.note('left', this.state(), subjects.agent && held(subjects.agent))
    await this.finish(first)
    listener.close()
    await once(listener, 'close')
    const received = Buffer.concat(this.received).latin1Slice().replaceAll(`:${this.port}`, '')
    return { log: this.log, received }
  }

  // The agent must still be of use afterwards.
  async finish(first) {
    this.isOver = true
    const { agent, request } = this.subjects
    const all = [first, request].filter(Boolean)
    for (const one of all) if (!one.closed) one.destroy()
    await this.settle(6)
    if (agent) {
      const last = this.ask('after', {})
      last.end()
      all.push(last)
      for (let i = 0; i < 500 && !last.closed; i++) await turn()
      agent.destroy()
    }
    for (const socket of this.sockets) socket.destroy()
    for (const one of all) one.destroy()
    await this.settle(6)
    agent?.destroy()
    for (const peer of this.peers.values()) peer.destroy()
    this.note(
      'end',
      all.map(({ closed, destroyed }) => [closed, destroyed]),
    )
  }

  // There may never be one: nothing is sent, or the request is given up.
  async connected() {
    for (let i = 0; i < 20 && this.subjects.peer === null; i++) await turn()
    await this.settle(2)
  }

  act([subject, name, ...args]) {
    const target = this.subjects[subject]
    if (!target) return this.note(subject, 'is not there for', name)
    // The peer's own state is not compared: it is the same program on both sides.
    if (subject === 'peer') {
      if (!target.destroyed && target.writable) target[name](...args)
      return undefined
    }
    try {
      if (name === '=') target[args[0]] = args[1]
      else {
        const given = args.map((arg) =>
          arg === '()'
            ? (error) => this.note(subject, name, 'called', described(error))
            : fresh(arg),
        )
        const result = target[name](...given)
        const isPlain = result === null || typeof result !== 'object'
        this.note(subject, name, result === target ? 'itself' : isPlain ? result : typeof result)
      }
    } catch (error) {
      this.note(subject, name, 'thrown', described(error))
    }
    if (subject === 'request') this.note('state', this.state())
    return undefined
  }

  state() {
    const { request, response } = this.subjects
    if (!request) return null
    const { writableEnded, writableFinished, writableLength, writableCorked, writable } = request
    const { destroyed, aborted, closed, headersSent, finished, reusedSocket, timeout } = request
    const { shouldKeepAlive, chunkedEncoding, writableNeedDrain, path } = request
    const sending = [writableEnded, writableFinished, writableLength, writableCorked, writable]
    const over = [destroyed, aborted, closed, headersSent, finished, reusedSocket, timeout]
    const form = [shouldKeepAlive, chunkedEncoding, writableNeedDrain, path]
    const socket = request.socket && [request.socket.destroyed, request.socket.timeout]
    return [sending, over, form, socket, response && stateOf(response)]
  }

  ask(id, options) {
    const { agent } = this.subjects
    const place = { host: HOST, port: this.port, path: `/${id}`, agent: agent ?? false }
    const request = this.http.request({ ...place, ...options })
    for (const what of TOLD) request.on(what, () => this.note(id, what))
    request.on('error', (error) => this.note(id, 'error', described(error)))
    request.on('socket', (socket) => {
      const isNew = !this.sockets.includes(socket)
      this.note(id, 'socket', request.reusedSocket, isNew)
      if (id === 'request' || this.subjects.socket === null) this.subjects.socket = socket
      if (isNew) this.follow(socket)
    })
    request.on('response', (response) => this.read(id, response))
    if (this.program.hears) this.hear(id, request)
    return request
  }

  hear(id, request) {
    request.on('information', ({ statusCode }) => this.note(id, 'information', statusCode))
    for (const name of ['upgrade', 'connect']) {
      request.on(name, (response, socket, rest) => {
        this.note(id, name, head(response), rest.latin1Slice())
        socket.on('data', (chunk) => this.noteData(name, chunk))
      })
    }
  }

  read(id, response) {
    const name = `${id}'s response`
    if (id === 'request') this.subjects.response = response
    this.note(name, head(response))
    for (const what of ['end', 'aborted', 'timeout', 'close', 'pause', 'resume']) {
      response.on(what, () => this.note(name, what, response.complete))
    }
    response.on('error', (error) => this.note(name, 'error', described(error)))
    if (this.program.reads || id !== 'request') {
      response.on('data', (chunk) => this.noteData(name, chunk))
    }
  }

  follow(socket) {
    const name = `socket ${this.sockets.push(socket)}`
    for (const what of SOCKET) socket.on(what, () => this.note(name, what))
    socket.on('error', (error) => this.note(name, 'error', described(error)))
    socket.on('close', (hadError) => this.note(name, 'close', hadError))
  }

  // --- the other side ---------------------------------------------------------------------------

  // The first connection is answered by the program, everything else by itself.
  accepted(peer) {
    const isFirst = this.subjects.peer === null
    if (isFirst) this.subjects.peer = peer
    peer.on('data', (bytes) => {
      if (isFirst && !this.isOver) this.received.push(bytes)
      else if (bytes.includes(HEAD)) peer.write(NEXT)
    })
    peer.on('error', () => {})
    this.peers.set(peer.remotePort, peer)
  }

  // Until each end of each connection knows what the other has written and done, or will not read it; then a few turns.
  async settle(turns) {
    for (let i = 0; i < 100 && this.sockets.some((socket) => this.isUnderWay(socket)); i++) {
      await turn()
    }
    for (let i = 0; i < turns; i++) await turn()
  }

  isUnderWay(socket) {
    if (socket.connecting || socket.destroyed) return false
    const peer = this.peers.get(socket.localPort)
    if (peer === undefined) return true
    const { response } = this.subjects
    // How much of a body that nobody reads is taken from the kernel is not what this is about.
    const isRead = !response || response.readableFlowing
    if (peer.destroyed) return isRead
    const isSending =
      peer.bytesRead < socket.bytesWritten || (socket.writableFinished && !peer.readableEnded)
    const isReading =
      socket.bytesRead < peer.bytesWritten || (peer.writableFinished && !socket.readableEnded)
    return isSending || (isRead && isReading)
  }
}

function stateOf({ complete, aborted, destroyed, readableEnded, readableFlowing, readableLength }) {
  return [complete, aborted, destroyed, readableEnded, readableFlowing, readableLength]
}

// The first connections of a process take more turns than all later ones.
const FIRST = 40

// Throws, with the first differences in full, when the two are not the same in every program.
async function assertSameRequests(ours, theirs, programs) {
  for (const http of [ours, theirs]) await playRequests(http, programs.slice(0, FIRST))
  const expected = await playRequests(theirs, programs)
  const actual = await playRequests(ours, programs)
  assertNoneDiffers(programs, expected, actual, (program) => program)
}

// All `programs` on one implementation; the logs in their order.
async function playRequests(http, programs) {
  const results = []
  let next = 0
  const lane = async () => {
    while (next < programs.length) {
      const number = next++
      results[number] = await new Player(http, programs[number]).play()
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  return results
}

module.exports = { assertSameRequests, playRequests }
