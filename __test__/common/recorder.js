'use strict'

// The ordered log of one run. A log has lanes: entries of one lane are compared in their exact
// order, entries of two lanes are not, because nothing orders, say, a server's 'close' and its
// client's. What differs between two runs of the same code (ports, paths, dates, how TCP cut the
// bytes) is made equal here and nowhere else.

const { createHash } = require('node:crypto')

const DATE = /[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT/g
const LONGEST_TEXT = 4096

class Bytes {
  constructor(source, type) {
    this.source = source
    this.type = type
    this.chunks = []
  }
}

function describeError(error) {
  const own = Object.getOwnPropertyNames(error)
  return {
    error: String(error),
    name: error.name,
    constructor: error.constructor.name,
    stack: String(error.stack).split('\n', 1)[0],
    own,
    enumerable: Object.keys(error),
    values: own
      .filter((key) => key !== 'stack' && key !== 'message')
      .map((key) => ({ [key]: describe(error[key]) })),
  }
}

function describe(value) {
  if (value === undefined) return '<undefined>'
  if (typeof value === 'function') return '<function>'
  if (typeof value === 'symbol' || typeof value === 'bigint') return String(value)
  if (typeof value === 'number' && !Number.isFinite(value)) return `<${value}>`
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Error) return describeError(value)
  if (Array.isArray(value)) return value.map(describe)
  if (value instanceof Uint8Array) return { bytes: showBytes(value) }
  const prototype = Object.getPrototypeOf(value)
  if (prototype !== null && prototype !== Object.prototype) return `<${value.constructor.name}>`
  const fields = Object.entries(value).map(([key, field]) => [key, describe(field)])
  if (prototype === null) fields.unshift(['<prototype>', null])
  return Object.fromEntries(fields)
}

function showBytes(bytes) {
  if (bytes.length <= LONGEST_TEXT) return Buffer.from(bytes).toString('latin1')
  const hash = createHash('sha256').update(bytes).digest('hex')
  return `${bytes.length} bytes, sha256 ${hash}`
}

class Recorder {
  #lanes = new Map()
  #names = []
  #sealed = false

  // A lane is a function: `log('listening', detail, ...)`.
  lane(name) {
    const entries = []
    this.#lanes.set(name, entries)
    const log = (...entry) => {
      if (!this.#sealed) entries.push(entry.map(describe))
    }
    // Consecutive chunks of one source become one entry: a scenario that controls the cut uses
    // `log` instead.
    log.data = (source, chunk) => {
      if (this.#sealed) return
      const type = typeof chunk === 'string' ? 'string' : chunk.constructor.name
      let last = entries.at(-1)
      if (!(last instanceof Bytes) || last.source !== source || last.type !== type) {
        last = new Bytes(source, type)
        entries.push(last)
      }
      last.chunks.push(Buffer.from(chunk))
    }
    log.watch = (source, emitter, events) => {
      for (const event of events) {
        emitter.on(event, (...args) => {
          if (event === 'data') log.data(source, args[0])
          else log(`${source} ${event}`, ...args)
        })
      }
      return emitter
    }
    return log
  }

  // From now on `actual` (a port, a path, ...) appears in the log as `<label>`.
  rename(actual, label) {
    if (actual !== undefined) this.#names.push([String(actual), `<${label}>`])
  }

  seal() {
    this.#sealed = true
  }

  result() {
    const lanes = {}
    for (const [name, entries] of this.#lanes) {
      lanes[name] = entries.map((entry) => {
        if (!(entry instanceof Bytes)) return this.#normalise(entry)
        const text = showBytes(Buffer.concat(entry.chunks))
        return [`${entry.source} data`, entry.type, this.#normalise(text)]
      })
    }
    return lanes
  }

  #normalise(value, key = '') {
    if (typeof value === 'string') return this.#normaliseText(value)
    if (typeof value === 'number' && /port$/i.test(key)) {
      const known = this.#names.find(([actual]) => actual === String(value))
      return known ? known[1] : value
    }
    if (Array.isArray(value)) return value.map((item) => this.#normalise(item))
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(
      Object.entries(value).map(([name, field]) => [
        this.#normaliseText(name),
        this.#normalise(field, name),
      ]),
    )
  }

  #normaliseText(text) {
    let result = text.replace(DATE, '<date>')
    for (const [actual, label] of this.#names) {
      // A port is a whole number in its text, a path may be anywhere.
      result = /^\d+$/.test(actual)
        ? result.replace(new RegExp(`\\b${actual}\\b`, 'g'), label)
        : result.replaceAll(actual, label)
    }
    return result
  }
}

module.exports = { Recorder, describe }
