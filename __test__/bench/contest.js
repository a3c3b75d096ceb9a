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
const { sides } = require('./sides')

const ROOT = path.join(__dirname, '..', '..')
const SOURCE = path.join(__dirname, 'load.rs')
const LOAD = path.join(
  ROOT,
  'target',
  process.platform === 'win32' ? 'bench-load.exe' : 'bench-load',
)
// Over what a sample is told to take; then it hangs and is killed.
const GRACE_MS = 15_000

const run = promisify(execFile)

const ECHO = { unit: 'msg/s', talk: 'echo', connections: 50 }
const IPC = { unit: 'msg/s', transport: 'ipc', size: 1 }
const GET = { unit: 'req/s', talk: 'http', connections: 64, size: 0 }

const WORKLOADS = {
  'tcp-64': { title: 'TCP echo, 64 B', transport: 'tcp', ...ECHO, size: 64 },
  'tcp-16k': { title: 'TCP echo, 16 KiB', transport: 'tcp', ...ECHO, size: 16384 },
  'pipe-64': { title: 'pipe echo, 64 B', transport: 'pipe', ...ECHO, size: 64 },
  'pipe-16k': { title: 'pipe echo, 16 KiB', transport: 'pipe', ...ECHO, size: 16384 },
  'http-get': { title: 'HTTP GET', transport: 'http', ...GET },
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

async function compileLoad() {
  if (fs.existsSync(LOAD) && fs.statSync(LOAD).mtimeMs >= fs.statSync(SOURCE).mtimeMs) return
  fs.mkdirSync(path.dirname(LOAD), { recursive: true })
  try {
    await run('rustc', ['--edition', '2024', '-O', '-o', LOAD, SOURCE])
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    throw new Error('the load generator is a Rust program: no `rustc` on the PATH', {
      cause: error,
    })
  }
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

class Server {
  #child
  #lines
  #local = null

  constructor(side, transport) {
    const args = [path.join(__dirname, 'server.js'), side, transport]
    if (transport === 'pipe') {
      this.#local = localPath()
      args.push(this.#local.address)
    }
    this.#child = track(spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] }))
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  async #line() {
    const { value, done } = await this.#lines.next()
    if (done) throw new Error(`the server ended (${this.#child.spawnargs.slice(2).join(' ')})`)
    return value
  }

  listening() {
    return this.#line()
  }

  async cpu() {
    this.#child.stdin.write('\n')
    const { user, system } = JSON.parse(await this.#line())
    return user + system
  }

  async end() {
    if (children.has(this.#child)) {
      this.#child.stdin.end()
      await once(this.#child, 'close')
    }
    this.#local?.remove()
  }
}

async function sample(command, args, seconds) {
  const job = run(command, args, { timeout: seconds * 1000 + GRACE_MS, killSignal: 'SIGKILL' })
  track(job.child)
  const { stdout } = await job
  return JSON.parse(stdout)
}

// A contender has `measure(seconds)` -> { rate, cpu? } and `end()`; rate is in the workload's unit, cpu is microseconds of the
// server's process per message.
async function contender(side, { transport, talk, connections, size }) {
  if (transport === 'ipc') {
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
  const server = new Server(side, transport)
  const address = await server.listening()
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
async function contest(name, { rounds, seconds, warmup = 0.3, onSample = () => {} }) {
  const workload = WORKLOADS[name]
  rounds = Math.max(rounds, workload.rounds ?? 0)
  const names = Object.keys(sides)
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

module.exports = { WORKLOADS, compileLoad, contest, endAll }
