'use strict'

// Runs one scenario once, with given sides over given endpoint, and returns its log.

const { once } = require('node:events')
const { setTimeout: delay } = require('node:timers/promises')
const { spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { HOST, localPath, removePath } = require('./endpoints')
const { sides } = require('./modules')
const { freePort } = require('./ports')
const { Recorder } = require('./recorder')
const { event, gone, turns } = require('./tools')

const ENTRY = path.join(__dirname, 'entry.js')

class Watchdog extends Error {}

// What a scenario is given.
class Run {
  #recorder = new Recorder()
  #accepted = new Map()
  #cleanups = []
  #exits = []
  #ports = new Set()

  constructor(pair, over) {
    this.over = over
    this.server = this.#side(pair.server, 'server')
    this.client = this.#side(pair.client, 'client')
  }

  #side(kind, name) {
    return {
      kind,
      log: this.#recorder.lane(name),
      get net() {
        return sides[kind].net
      },
      get http() {
        return sides[kind].http
      },
    }
  }

  lane(name) {
    return this.#recorder.lane(name)
  }

  rename(actual, label) {
    this.#recorder.rename(actual, label)
  }

  cleanup(job) {
    this.#cleanups.push(job)
  }

  // For scenarios apart: `job` is the last that still can log.
  atExit(job) {
    this.#exits.push(job)
  }

  // A path of this run, gone after it.
  path(label = 'path') {
    const file = localPath()
    this.rename(file, label)
    this.cleanup(() => removePath(file))
    return file
  }

  // What `listen` would be given for this run's kind of endpoint.
  address() {
    return this.over === 'tcp' ? { port: 0, host: HOST } : { path: this.path('server path') }
  }

  // Whatever happens, this listener and its connections do not outlive the run.
  follow(server) {
    if (this.#accepted.has(server)) return
    const sockets = new Set()
    this.#accepted.set(server, sockets)
    server.on('connection', (socket) => sockets.add(socket))
    this.cleanup(() => {
      for (const socket of sockets) socket.destroy()
      if (server.listening) server.close()
    })
  }

  // Listens and returns what `connect` needs.
  async listen(server, options) {
    this.follow(server)
    const address = this.address()
    await new Promise((resolve, reject) => {
      server.on('error', reject)
      server.listen({ ...address, ...options }, () => {
        server.off('error', reject)
        resolve()
      })
    })
    return this.target(server.address())
  }

  // Waits for the connections of a listener whose other ends are closed already: nothing orders the
  // two.
  async settled(server) {
    await Promise.all([...this.#accepted.get(server)].map(gone))
    await this.turns(1)
  }

  async close(server, callback) {
    await this.settled(server)
    server.close(callback)
    await event(server, 'close')
  }

  // The options for `connect` out of what `server.address()` said.
  target(address) {
    if (typeof address === 'string') return { path: address }
    this.rename(address.port, 'server port')
    return { port: address.port, host: HOST }
  }

  // A listener with one connection, both ends settled. `accept` and `open` get their end as soon as
  // it exists.
  async connected({ serverOptions, clientOptions, accept, open } = {}) {
    const listener = this.server.net.createServer(serverOptions)
    if (accept) listener.on('connection', accept)
    const accepted = event(listener, 'connection')
    const target = await this.listen(listener)
    const socket = this.client.net.connect({ ...target, ...clientOptions })
    open?.(socket)
    const [peer] = await Promise.all([accepted, event(socket, 'connect')])
    this.rename(socket.localPort, 'client port')
    // Which end was first is not determined: go on from neither.
    await this.turns(1)
    return { listener, target, peer, socket }
  }

  // A TCP port that is free, never one twice.
  async freePort(label = 'free port') {
    const port = await freePort(this.server.net, this.#ports)
    this.#ports.add(port)
    this.rename(port, label)
    return port
  }

  // Another process which runs `fixtures/<fixture>` with one side's modules; resolves when it is
  // gone. It has `descriptors` from 3 on.
  spawn(side, fixture, args, descriptors = []) {
    const argv = [...process.execArgv, ENTRY, 'fixture', side.kind, fixture]
    const child = spawn(process.execPath, [...argv, JSON.stringify(args)], {
      stdio: ['pipe', 'pipe', 'pipe', ...descriptors],
    })
    this.cleanup(() => child.kill('SIGKILL'))
    return { child, exited: collect(child) }
  }

  // Lets the loop go round: what is on its way within this process has then arrived.
  turns(count = 3) {
    return turns(count)
  }

  wait(milliseconds) {
    return delay(milliseconds)
  }

  async finish() {
    // An event which comes once too often comes now.
    await this.turns(4)
    await delay(2)
    return this.stop()
  }

  exit(code) {
    for (const job of this.#exits) job(code)
    return this.stop()
  }

  stop() {
    this.#recorder.seal()
    for (const job of this.#cleanups.splice(0).reverse()) job()
    return this.#recorder.result()
  }
}

async function collect(child) {
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => {
      output[name] += text
    })
  }
  const [code, signal] = await once(child, 'close')
  return { code, signal, ...output }
}

// In this process. No run may leave a descriptor behind.
async function runHere(scenario, pair, over) {
  await warmUp(pair.server)
  await warmUp(pair.client)
  const before = countDescriptors()
  const lanes = await play(scenario, pair, over)
  for (let i = 0; i < 50 && countDescriptors() > before; i++) await delay(10)
  const left = countDescriptors() - before
  if (left > 0) lanes.descriptors = [[`${left} more than before`]]
  return lanes
}

const warm = new Set()

// What an implementation opens once, it opens here.
async function warmUp(kind) {
  if (warm.has(kind)) return
  warm.add(kind)
  const { net } = sides[kind]
  const server = net.createServer((socket) => socket.end())
  server.listen(0, HOST)
  await once(server, 'listening')
  const socket = net.connect(server.address().port, HOST).resume()
  await once(socket, 'close')
  server.close()
  await once(server, 'close')
}

function countDescriptors() {
  if (process.platform !== 'linux') return 0
  return fs.readdirSync('/proc/self/fd').length
}

async function play(scenario, pair, over) {
  const run = new Run(pair, over)
  const limit = timeLimit(scenario)
  let timer
  const watchdog = new Promise((resolve, reject) => {
    timer = setTimeout(() => {
      const log = JSON.stringify(run.stop(), null, 1)
      reject(new Watchdog(`not done after ${limit} ms; until then: ${log}`))
    }, limit)
  })
  try {
    await Promise.race([scenario.play(run), watchdog])
    return await run.finish()
  } catch (error) {
    if (error instanceof Watchdog) throw error
    const log = JSON.stringify(run.stop(), null, 1)
    throw new Error(`${error.message}\nuntil then: ${log}`, { cause: error })
  } finally {
    clearTimeout(timer)
  }
}

// In a process of its own, whose end is part of the log.
async function runApart(scenario, pair, over, execArgv = []) {
  const spec = JSON.stringify({ name: scenario.name, pair, over })
  const argv = [...execArgv, ENTRY, 'scenario', scenario.file, spec]
  const child = spawn(process.execPath, argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), 2 * timeLimit(scenario))
  const { code, signal, stdout, stderr } = await collect(child)
  clearTimeout(timer)
  const start = stdout.lastIndexOf('\n{"lanes":')
  if (start === -1) {
    throw new Error(`the scenario's process left no log (${code ?? signal}): ${stdout}${stderr}`)
  }
  const { lanes, outcome } = JSON.parse(stdout.slice(start))
  if (outcome.error) throw new Error(`${outcome.error}\n${stderr}`)
  lanes.process = [[outcome.state, { code, signal }]]
  // Not compared (it has stacks in it), but shown when the rest differs.
  Object.defineProperty(lanes, 'stderr', { value: stderr })
  return lanes
}

function timeLimit(scenario) {
  return Number(process.env.INTEROP_TIMEOUT) || scenario.timeout
}

module.exports = { Run, runApart, runHere }
