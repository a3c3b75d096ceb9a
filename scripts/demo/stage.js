'use strict'

// What one conversation is played on: starts its processes, keeps what they say, ends them.

const net = require('node:net')
const path = require('node:path')
const { Actor } = require('./actor')

const PATIENCE_MS = 6000
const KNOCK_EVERY_MS = 20

// `variants` tells per role how its process differs from `node EXAMPLES/FILE`: { examples, nodeArgs }.
class Stage {
  transcript = []
  #actors = []
  #muted = new Set()

  constructor({ examples, endpoints, interval, exchanges, variants = {}, onLine = () => {} }) {
    Object.assign(this, { examples, endpoints, exchanges, variants, onLine })
    this.env = { INTERVAL: String(interval) }
  }

  start(role, file) {
    const { examples = this.examples, nodeArgs } = this.variants[role] ?? {}
    const actor = new Actor({
      role,
      file: path.join(examples, file),
      nodeArgs,
      env: this.env,
      onLine: (line) => {
        if (this.#muted.has(actor)) return
        this.transcript.push(line)
        this.onLine(line)
      },
    })
    this.#actors.push(actor)
    return actor
  }

  // The article's servers do not say when they listen: knocks until someone opens. What the server says to the knock is not
  // part of the conversation; `goodbye` is the last of it.
  async startServer(file, endpoint, goodbye) {
    const server = this.start('server', file)
    this.#muted.add(server)
    const end = Date.now() + PATIENCE_MS
    while (!(await knock(endpoint))) {
      if (server.status !== null || Date.now() > end) {
        const words = server.lines.map(({ text }) => text).join('\n')
        throw new Error(`the server does not listen on ${endpoint}\n${words}`)
      }
      await new Promise((resolve) => setTimeout(resolve, KNOCK_EVERY_MS))
    }
    if (goodbye) await this.until(server, `it says "${goodbye}"`, () => server.count(goodbye) > 0)
    this.#muted.delete(server)
    return server
  }

  until(actor, what, condition) {
    return actor.until(condition, what, PATIENCE_MS)
  }

  said(role, stream = 'stdout') {
    const lines = this.transcript.filter((line) => line.role === role && line.stream === stream)
    return lines.map(({ text }) => text)
  }

  async clear() {
    await Promise.all(this.#actors.map((actor) => actor.stop()))
  }
}

// Is anyone there? Hangs up as soon as it is known, and only then answers.
function knock(endpoint) {
  return new Promise((resolve) => {
    const socket =
      typeof endpoint === 'number' ? net.connect(endpoint, '127.0.0.1') : net.connect(endpoint)
    let opened = false
    socket.on('connect', () => {
      opened = true
      socket.end()
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(opened))
    socket.resume()
  })
}

// Why nobody could listen on `port` now, or null.
function whyTaken(port) {
  return new Promise((resolve) => {
    const probe = net.createServer()
    probe.on('error', (error) => resolve(error.code))
    probe.on('listening', () => probe.close(() => resolve(null)))
    probe.listen(port)
  })
}

module.exports = { Stage, knock, whyTaken }
