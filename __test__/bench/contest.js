'use strict'

// One workload on both sides: the servers stand in processes of their own, the load visits them in turn, round after round,
// so that a slower minute of the machine meets both.

const { spawn, execFile } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { once } = require('node:events')
const { createInterface } = require('node:readline')
const { promisify } = require('node:util')
const { others, sides } = require('./sides')

const ROOT = path.join(__dirname, '..', '..')
const BINARY = process.platform === 'win32' ? '.exe' : ''
const LOAD = path.join(ROOT, 'target', `bench-load${BINARY}`)
const PEER = path.join(ROOT, 'target', `bench-peer${BINARY}`)
// Where npm puts what is measured beside the two sides.
const OTHERS = path.join(ROOT, 'target', 'bench-others')
// Over what a sample is told to take; then it hangs and is killed.
const GRACE_MS = 15_000

const run = promisify(execFile)

const ECHO = { unit: 'msg/s', talk: 'echo', connections: 50 }
const IPC = { unit: 'msg/s', transport: 'ipc', size: 1 }
const GET = { unit: 'req/s', talk: 'http', connections: 64, size: 0 }
const CLIENT = { unit: 'req/s', transport: 'client', connections: 50 }

const WORKLOADS = {
  'tcp-64': { title: 'TCP echo, 64 B', transport: 'tcp', ...ECHO, size: 64 },
  'tcp-16k': { title: 'TCP echo, 16 KiB', transport: 'tcp', ...ECHO, size: 16384 },
  'pipe-64': { title: 'pipe echo, 64 B', transport: 'pipe', ...ECHO, size: 64 },
  'pipe-16k': { title: 'pipe echo, 16 KiB', transport: 'pipe', ...ECHO, size: 16384 },
  'http-get': { title: 'HTTP GET', transport: 'http', ...GET },
  'client-get': { title: 'HTTP client, GET', ...CLIENT, talk: 'get' },
  'client-post': { title: 'HTTP client, POST 1 KiB', ...CLIENT, talk: 'post' },
  'client-large': { title: 'HTTP client, 1 MiB response', ...CLIENT, talk: 'large', unit: 'MB/s' },
  'client-new': { title: 'HTTP client, new connections', ...CLIENT, talk: 'new' },
  'ipc-json': { title: 'fork, JSON', ...IPC, talk: 'json' },
  'ipc-advanced': { title: 'fork, advanced', ...IPC, talk: 'advanced' },
  'ipc-one-way': { title: 'fork, one way', ...IPC, talk: 'one-way' },
  'ipc-round-trip': {
    title: 'fork, round trip',
    ...IPC,
    talk: 'round-trip',
    unit: 'us',
    rounds: 9,
  },
  'ipc-json-16m': {
    title: 'fork, JSON of 16 MiB',
    ...IPC,
    talk: 'json-16m',
    unit: 'MiB/s',
    size: 16,
  },
  'ipc-buffer-1m': {
    title: 'fork, Buffer of 1 MiB',
    ...IPC,
    talk: 'buffer-1m',
    unit: 'MiB/s',
    size: 1,
  },
}

// Of a time less is better; in all figures, a ratio above 1 is Ferrowire's advantage.
const isTime = ({ unit }) => unit === 'us'

// The load and the peer, which are Rust programs of one file.
async function compile() {
  // The peer is written for poll(2), and where that is missing there is no driver to measure yet either.
  const programs = process.platform === 'win32' ? [LOAD] : [LOAD, PEER]
  for (const binary of programs) await compileOne(binary)
}

async function compileOne(binary) {
  const name = path.basename(binary, BINARY).replace('bench-', '')
  const source = path.join(__dirname, `${name}.rs`)
  if (fs.existsSync(binary) && fs.statSync(binary).mtimeMs >= fs.statSync(source).mtimeMs) return
  fs.mkdirSync(path.dirname(binary), { recursive: true })
  try {
    await run('rustc', ['--edition', '2024', '-O', '-o', binary, source])
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    throw new Error('the load generator is a Rust program: no `rustc` on the PATH', {
      cause: error,
    })
  }
}

async function installOthers(names) {
  const packages = [...new Set(names.map((name) => others[name].package))]
  const missing = packages.filter((name) => !fs.existsSync(path.join(OTHERS, 'node_modules', name)))
  if (missing.length === 0) return
  fs.mkdirSync(OTHERS, { recursive: true })
  fs.writeFileSync(path.join(OTHERS, 'package.json'), '{ "name": "bench-others", "private": true }')
  await run('npm', ['install', '--no-audit', '--no-fund', ...missing], { cwd: OTHERS })
}

// Everything started here, so that whoever is interrupted can end it.
const children = new Set()

function track(child) {
  children.add(child)
  child.once('close', () => children.delete(child))
  return child
}

function endAll() {
  for (const child of children) child.kill('SIGKILL')
}

let pipes = 0

// A path nobody has; on Unix in a folder that goes with it, whatever the server leaves behind.
function localPath() {
  const name = `ferrowire-bench-${process.pid}-${pipes++}`
  if (process.platform === 'win32') return { address: `\\\\.\\pipe\\${name}`, remove() {} }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrowire-'))
  return {
    address: path.join(folder, 's'),
    remove: () => fs.rmSync(folder, { recursive: true, force: true }),
  }
}

// A process that says one line when it is ready, answers on stdout what stdin asks, and ends with stdin.
class Process {
  #child
  #lines

  constructor(command, args) {
    this.#child = track(spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] }))
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  async line() {
    const { value, done } = await this.#lines.next()
    if (done) throw new Error(`the server ended (${this.#child.spawnargs.slice(1).join(' ')})`)
    return value
  }

  ask() {
    this.#child.stdin.write('\n')
    return this.line()
  }

  async end() {
    if (!children.has(this.#child)) return
    this.#child.stdin.end()
    await once(this.#child, 'close')
  }
}

class Server extends Process {
  #local

  constructor(side, transport) {
    const local = transport === 'pipe' ? localPath() : null
    const args = [path.join(__dirname, 'server.js'), side, transport]
    super(process.execPath, local === null ? args : [...args, local.address])
    this.#local = local
  }

  async cpu() {
    const { user, system } = JSON.parse(await this.ask())
    return user + system
  }

  async end() {
    await super.end()
    this.#local?.remove()
  }
}

async function sample(command, args, seconds, options) {
  const timeout = seconds * 1000 + GRACE_MS
  const job = run(command, args, { ...options, timeout, killSignal: 'SIGKILL' })
  track(job.child)
  const { stdout } = await job
  return JSON.parse(stdout)
}

// Its process does all of the measuring. The rate is in the workload's unit.
function channelContender(side, { talk, size }) {
  const script = path.join(__dirname, 'ipc-parent.js')
  return {
    async measure(seconds) {
      const args = [script, side, seconds, talk]
      const { count, seconds: spent, micros } = await sample(process.execPath, args, seconds)
      return { rate: micros ?? (count * size) / spent }
    },
    async end() {},
  }
}

async function clientContender(side, { talk, connections }) {
  const bun = path.join(OTHERS, 'node_modules', '.bin', 'bun')
  const [command, modules] = side === 'bun' ? [bun, 'built-in'] : [process.execPath, side]
  const script = path.join(__dirname, 'http-client.js')
  const options = { cwd: side in others ? OTHERS : ROOT }
  const peer = new Process(PEER, [])
  const port = await peer.line()
  // A response of `large` is a MiB.
  const size = talk === 'large' ? 1.048576 : 1
  return {
    async measure(seconds) {
      const args = [script, modules, talk, port, connections, seconds]
      const { count, seconds: spent, cpu } = await sample(command, args, seconds, options)
      return { rate: (count / spent) * size, cpu }
    },
    end: () => peer.end(),
  }
}

// A contender has `measure(seconds)` -> { rate, cpu? } and `end()`; cpu is microseconds of the server's process per message,
// or of the client's where that is measured.
async function contender(side, workload) {
  const { transport, talk, connections, size } = workload
  if (transport === 'ipc') return channelContender(side, workload)
  if (transport === 'client') return clientContender(side, workload)
  const server = new Server(side, transport)
  const address = await server.line()
  return {
    async measure(seconds) {
      const before = await server.cpu()
      const { count, seconds: spent } = await sample(
        LOAD,
        [talk, address, connections, size, seconds],
        seconds,
      )
      return { rate: count / spent, cpu: ((await server.cpu()) - before) / count }
    },
    end: () => server.end(),
  }
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

function summary(samples) {
  const rates = samples.map(({ rate }) => rate)
  const cpus = samples.map(({ cpu }) => cpu).filter((cpu) => cpu !== undefined)
  return {
    median: median(rates),
    min: Math.min(...rates),
    max: Math.max(...rates),
    cpu: cpus.length > 0 ? median(cpus) : undefined,
    rates,
  }
}

// Resolves with { name, title, unit, ratio, sides: { ferrowire: { median, min, max, cpu, rates }, 'built-in': ... } }.
async function contest(name, { rounds, seconds, beside = [], warmup = 0.3, onSample = () => {} }) {
  const workload = WORKLOADS[name]
  rounds = Math.max(rounds, workload.rounds ?? 0)
  const names = [...Object.keys(sides), ...(workload.transport === 'client' ? beside : [])]
  const contenders = new Map()
  const samples = Object.fromEntries(names.map((side) => [side, []]))
  try {
    for (const side of names) contenders.set(side, await contender(side, workload))
    for (const side of names) await contenders.get(side).measure(warmup)
    for (let round = 0; round < rounds; round++) {
      // Who goes first changes, lest one of them always follow the other's heat.
      for (const side of round % 2 ? names.toReversed() : names) {
        onSample({ name, title: workload.title, side, round, rounds })
        samples[side].push(await contenders.get(side).measure(seconds))
      }
    }
  } finally {
    for (const each of contenders.values()) await each.end()
  }
  const results = Object.fromEntries(names.map((side) => [side, summary(samples[side])]))
  const gain = results.ferrowire.median / results['built-in'].median
  const ratio = isTime(workload) ? 1 / gain : gain
  return { name, title: workload.title, unit: workload.unit, ratio, sides: results }
}

module.exports = { WORKLOADS, compile, contest, endAll, installOthers }
