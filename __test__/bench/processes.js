'use strict'

// The processes of a measurement: how they are started, asked, put on a core of their own, and ended.

const { execFile, execFileSync, spawn } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { createInterface } = require('node:readline')
const { promisify } = require('node:util')
const { LOAD } = require('./programs')

const run = promisify(execFile)

// Over what a measurement is told to take; then it hangs and is killed.
const GRACE_SECONDS = 15

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

// Kills the child unless the returned function is called in time. Seconds are counted one by one, so that those in which all of
// this was stopped are none.
function limit(child, seconds) {
  let left = Math.ceil(seconds) + GRACE_SECONDS
  const timer = setInterval(() => --left === 0 && child.kill('SIGKILL'), 1000)
  return () => clearInterval(timer)
}

// A process that says one line when it is ready, answers on stdout what stdin asks, and ends with stdin.
class Process {
  #child
  #closed
  #lines

  constructor(command, args, options) {
    this.#child = track(spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], ...options }))
    this.#closed = once(this.#child, 'close')
    // A program that is not there: `line` fails with that.
    this.#closed.catch(() => {})
    this.#child.stdin.on('error', () => {})
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]()
  }

  get pid() {
    return this.#child.pid
  }

  async line() {
    const { value, done } = await this.#lines.next()
    if (!done) return value
    const [status, signal] = await this.#closed
    const words = this.#child.spawnargs.join(' ')
    throw new Error(`${words} ended with ${signal ?? `status ${status}`}`)
  }

  ask() {
    this.#child.stdin.write('\n')
    return this.line()
  }

  kill() {
    this.#child.kill('SIGKILL')
  }

  async end() {
    if (!children.has(this.#child)) return
    this.#child.stdin.end()
    await this.#closed
  }
}

// A load that has connected. `measure` starts it and resolves with what it says.
class Load extends Process {
  #seconds

  constructor({ talk, connections, size }, address, seconds) {
    super(LOAD, [talk, address, connections, size, seconds])
    this.#seconds = seconds
  }

  // For both: of a process that is killed the line never comes.
  async #within(promise) {
    const done = limit(this, this.#seconds)
    try {
      return await promise
    } finally {
      done()
    }
  }

  ready() {
    return this.#within(this.line())
  }

  async measure() {
    return JSON.parse(await this.#within(this.ask()))
  }
}

// A process that measures by itself and prints one JSON object.
async function sample(command, args, seconds, options) {
  const job = run(command, args, options)
  const done = limit(track(job.child), seconds)
  try {
    return JSON.parse((await job).stdout)
  } catch (error) {
    const end = error.signal ?? `status ${error.code}`
    throw new Error(`${error.stderr || error.message}\nit ended with ${end}`, { cause: error })
  } finally {
    done()
  }
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

// Each process with all of its threads on a core of its own, or the scheduler decides the figure. Returns why it can't be.
function pin(...pids) {
  if (process.platform !== 'linux') return 'only Linux has `taskset`'
  if (os.cpus().length < pids.length) return 'there are too few cores'
  try {
    for (const [core, pid] of pids.entries()) {
      execFileSync('taskset', ['-a', '-c', '-p', String(core), String(pid)], { stdio: 'ignore' })
    }
    return null
  } catch (error) {
    return error.message
  }
}

module.exports = { Load, Process, endAll, localPath, pin, sample }
