'use strict'

// One process of a conversation: what it said so far, line by line, and a sure end for it.

const { spawn } = require('node:child_process')
const { once } = require('node:events')
const path = require('node:path')

const STOP_MS = 3000
const IS_WINDOWS = process.platform === 'win32'

const running = new Set()

class Actor {
  lines = []
  status = null
  #child
  #waiting = new Set()
  #onLine

  // `onLine({ role, stream, text })` hears every line as it comes.
  constructor({ role, file, nodeArgs = [], env = {}, onLine }) {
    this.role = role
    this.#onLine = onLine
    this.#child = spawn(process.execPath, [...nodeArgs, path.basename(file)], {
      cwd: path.dirname(file),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own on Unix: what it forks can be ended with it, and Ctrl-C comes to us alone.
      detached: !IS_WINDOWS,
    })
    running.add(this)
    this.closed = once(this.#child, 'close').then(([code, signal]) => {
      this.status = signal ?? code
      running.delete(this)
      this.#wake()
    })
    this.#listen('stdout')
    this.#listen('stderr')
  }

  #listen(stream) {
    let rest = ''
    this.#child[stream].setEncoding('utf8')
    this.#child[stream].on('data', (text) => {
      const parts = (rest + text).split('\n')
      rest = parts.pop()
      for (const part of parts) this.#take(stream, part)
    })
    this.#child[stream].on('end', () => {
      if (rest !== '') this.#take(stream, rest)
    })
  }

  #take(stream, text) {
    const line = { role: this.role, stream, text: text.replace(/\r$/, '') }
    this.lines.push(line)
    this.#onLine(line)
    this.#wake()
  }

  #wake() {
    for (const check of this.#waiting) check()
  }

  // How often it said exactly this text, or something that matches.
  count(wanted) {
    const matches =
      typeof wanted === 'string' ? (text) => text === wanted : (text) => wanted.test(text)
    return this.lines.filter(({ text }) => matches(text)).length
  }

  // Resolves when `condition` holds, rejects when it can't come true any more or takes too long.
  until(condition, what, patience) {
    return new Promise((resolve, reject) => {
      const settle = (done, value) => {
        clearTimeout(timer)
        this.#waiting.delete(check)
        done(value)
      }
      const check = () => {
        if (condition()) settle(resolve)
        else if (this.status !== null) {
          settle(
            reject,
            new Error(`the ${this.role} ended with ${this.status} before this: ${what}`),
          )
        }
      }
      const timer = setTimeout(
        () =>
          settle(
            reject,
            new Error(`the ${this.role} has not come to this in ${patience / 1000} s: ${what}`),
          ),
        patience,
      )
      this.#waiting.add(check)
      check()
    })
  }

  kill(signal) {
    try {
      if (IS_WINDOWS) this.#child.kill(signal)
      else process.kill(-this.#child.pid, signal)
    } catch (error) {
      if (error.code !== 'ESRCH') throw error
    }
  }

  async stop() {
    if (this.status !== null) return
    this.kill('SIGTERM')
    const hard = setTimeout(() => this.kill('SIGKILL'), STOP_MS)
    await this.closed
    clearTimeout(hard)
  }
}

function killAll() {
  for (const actor of running) actor.kill('SIGKILL')
}

module.exports = { Actor, killAll }
