'use strict'

// Small programs for the two ends of a connection, made from a number, and the log of both. After each step everything that
// follows from it is waited for, so that the log does not depend on who is faster, nor on how TCP cuts the bytes.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { PassThrough, addAbortSignal, finished } = require('node:stream')
const { setImmediate: turn, setTimeout: delay } = require('node:timers/promises')
const { isDeepStrictEqual } = require('node:util')
const { HOST, localPath } = require('./endpoints')
const { PAIRS, REFERENCE, pairName, sides } = require('./modules')
const { random } = require('./mutations')
const { gone } = require('./tools')

const SIZES = [0, 1, 10, 1000, 5000]
const ENCODINGS = [
  'utf8',
  'latin1',
  'hex',
  'base64',
  'base64url',
  'utf16le',
  'ascii',
  'binary',
  'nonsense',
]
const TEXTS = ['', 'plain', 'é', '☃ and 𝄞', '00ff10', 'a\0b', 'x'.repeat(300)]
const WRONG = [5, {}, [], undefined, null, true, Symbol('s')]
const TOLD = [
  'connect',
  'ready',
  'end',
  'finish',
  'error',
  'close',
  'pause',
  'resume',
  'timeout',
  'drain',
]

const told = (log, name) => (error) => log.push([name, error?.code, error?.message])
const views = {
  buffer: (size) => Buffer.alloc(size, 'b'),
  bytes: (size) => new Uint8Array(size).fill(0x62),
  view: (size) => new DataView(new ArrayBuffer(size + 8), 4, size),
  words: (size) => new Uint16Array(size),
}

function logChunk(log, chunk) {
  const type = typeof chunk === 'string' ? 'string' : chunk.constructor.name
  const last = log.at(-1)
  if (last[0] === 'chunk' && last[1] === type) last[2].push(chunk)
  else log.push(['chunk', type, [chunk]])
}

async function iterate(end, log) {
  try {
    for await (const chunk of end) logChunk(log, chunk)
    log.push(['iterated'])
  } catch (error) {
    log.push(['iteration', error.code, error.message])
  }
}

// `made` is the step's own: { size, text, encoding, kind, wrong, flag }.
const STEPS = {
  write: (end, log, { text, encoding }) => end.write(text, encoding, told(log, 'written')),
  writeBytes: (end, log, { kind, size }) => end.write(views[kind](size), told(log, 'written')),
  writeMany: (end, log, { text }) => [1, 2, 3].map(() => end.write(text, told(log, 'written'))),
  writeWrong: (end, log, { wrong }) => end.write(wrong, told(log, 'written')),
  end: (end, log) => end.end(told(log, 'ended')),
  endWith: (end, log, { text, encoding }) => end.end(text, encoding, told(log, 'ended')),
  endBytes: (end, log, { kind, size }) => end.end(views[kind](size)),
  destroy: (end) => end.destroy(),
  destroyWith: (end) => end.destroy(new TypeError('mine')),
  destroySoon: (end) => end.destroySoon(),
  reset: (end) => end.resetAndDestroy(),
  abort: (end, log, { abort }) => abort?.abort(),
  abortLater: (end, log, made) => {
    made.abort = new AbortController()
    addAbortSignal(made.abort.signal, end)
    process.nextTick(() => made.abort.abort(new Error('later')))
  },
  pause: (end) => end.pause(),
  resume: (end) => end.resume(),
  cork: (end) => end.cork(),
  uncork: (end) => end.uncork(),
  setEncoding: (end, log, { encoding }) => end.setEncoding(encoding),
  setDefaultEncoding: (end, log, { encoding }) => end.setDefaultEncoding(encoding),
  read: (end, log, { size }) => end.read(size)?.length,
  readAll: (end) => end.read()?.length,
  unshift: (end, log, { text }) => end.unshift(text),
  listen: (end, log) => end.on('data', (chunk) => logChunk(log, chunk)),
  unlisten: (end) => end.removeAllListeners('data'),
  readable: (end, log) =>
    end.on('readable', () => {
      for (let chunk; (chunk = end.read()) !== null;) logChunk(log, chunk)
    }),
  iterate: (end, log) => void iterate(end, log),
  finished: (end, log) => typeof finished(end, told(log, 'finished')),
  pipe: (end, log) => void end.pipe(new PassThrough().on('data', (chunk) => logChunk(log, chunk))),
  pipeBack: (end) => end.pipe(end),
  unpipe: (end) => end.unpipe(),
  setTimeout: (end, log, { flag }) => end.setTimeout(flag ? 60_000 : 0),
  ref: (end) => end.ref(),
  unref: (end) => end.unref(),
  setNoDelay: (end, log, { flag }) => end.setNoDelay(flag),
  setKeepAlive: (end, log, { flag }) => end.setKeepAlive(flag, 5000),
}
// So that most programs come to an end in the course of many steps.
const NAMES = Object.keys(STEPS).concat(['write', 'writeBytes', 'write', 'listen', 'resume'])
const ENDS = /^end|^destroySoon|^pipeBack/

function makeProgram(number) {
  const below = random(Math.imul(number + 1, 0x27d4eb2f))
  const pick = (list) => list[below(list.length)]
  const options = () => ({
    allowHalfOpen: pick([true, false]),
    highWaterMark: pick([undefined, undefined, 10, 1024, 65_536]),
  })
  const step = () => ({
    end: pick(['peer', 'socket']),
    name: pick(NAMES),
    size: pick(SIZES),
    text: pick(TEXTS),
    encoding: pick(ENCODINGS),
    kind: pick(Object.keys(views)),
    wrong: below(WRONG.length),
    flag: below(2) === 0,
    together: below(4) === 0,
  })
  const program = {
    over: pick(['tcp', 'local']),
    server: { ...options(), pauseOnConnect: below(4) === 0 },
    client: { ...options(), onread: below(8) === 0, signal: below(3) === 0 },
    // Of the client, before it is connected.
    early: Array.from({ length: below(3) === 0 ? 1 + below(3) : 0 }, () => ({
      ...step(),
      end: 'socket',
    })),
    steps: Array.from({ length: 3 + below(10) }, step),
  }
  // Node resets a socket that is ending with an error of its own, and keeps it.
  let ending = false
  const isPlayable = ({ end, name }) => {
    ending ||= ENDS.test(name)
    // Two that pipe back never come to rest.
    if (name === 'pipeBack') return end === 'peer'
    return name !== 'reset' || !ending
  }
  program.early = program.early.filter(isPlayable)
  program.steps = program.steps.filter(isPlayable)
  return program
}

function state(end) {
  const { readyState, destroyed, closed, errored, timeout, bytesWritten } = end
  const readable = [end.readable, end.readableEnded, end.readableFlowing, end.readableLength > 0]
  const writable = [end.writable, end.writableEnded, end.writableFinished, end.writableLength]
  const more = [end.writableCorked, end.writableNeedDrain, end.isPaused(), end.readableEncoding]
  const basic = [readyState, destroyed, closed, errored?.message, timeout, bytesWritten]
  return [...basic, ...readable, ...writable, ...more]
}

function watch(end, log) {
  for (const name of TOLD) {
    end.on(name, (value) => log.push([name, value?.message ?? value]))
  }
}

// Until nothing has happened for some turns of the loop.
async function settle(logs, patience) {
  const count = () => logs.reduce((sum, log) => sum + log.length, 0)
  for (let quiet = 0, seen = count(); quiet < 4; quiet = count() === seen ? quiet + 1 : 0) {
    seen = count()
    await turn()
    if (patience > 0) await delay(patience)
  }
}

// Chunks together, as one, however they were cut.
function finish(log) {
  return log.map(([name, type, chunks, ...rest]) => {
    if (name !== 'chunk') return chunks === undefined ? [name, type] : [name, type, chunks, ...rest]
    if (type === 'string') return [name, type, chunks.join('')]
    return [name, type, Buffer.concat(chunks).toString('latin1')]
  })
}

function connect({ over, client: { signal, onread, ...options } }, net, server, log) {
  const place = server.address()
  const target = over === 'local' ? { path: place } : { port: place.port, host: HOST }
  const abort = signal ? new AbortController() : undefined
  if (abort) options.signal = abort.signal
  if (onread) {
    const callback = (size, buffer) => {
      logChunk(log, Buffer.from(buffer.subarray(0, size)))
      return true
    }
    options.onread = { buffer: Buffer.alloc(100), callback }
  }
  return { socket: net.connect({ ...target, ...options }), abort }
}

function take({ name, ...made }, end, log, abort) {
  let result
  try {
    result = STEPS[name](end, log, { ...made, abort, wrong: WRONG[made.wrong] })
  } catch (error) {
    result = [error.code, error.message]
  }
  log.push(['>', name, result === end ? 'itself' : result])
}

async function play(program, { server: serverSide, client: clientSide }, patience = 0) {
  const logs = { peer: [['begin']], socket: [['begin']] }
  const both = Object.values(logs)
  const ends = {}
  const server = sides[serverSide].net.createServer(program.server, (peer) => {
    ends.peer = peer
    watch(peer, logs.peer)
  })
  server.listen(program.over === 'tcp' ? { port: 0, host: HOST } : { path: localPath() })
  await once(server, 'listening')
  const { socket, abort } = connect(program, sides[clientSide].net, server, logs.socket)
  ends.socket = socket
  watch(socket, logs.socket)
  for (const step of program.early) take(step, socket, logs.socket, abort)
  const isUnderWay = () => socket.connecting || (!ends.peer && !socket.destroyed)
  for (let i = 0; i < 1000 && isUnderWay(); i++) await turn()
  await settle(both, patience)

  for (const step of program.steps) {
    // Destroyed early, a client has no peer.
    if (!ends[step.end]) continue
    take(step, ends[step.end], logs[step.end], abort)
    if (step.together) continue
    await settle(both, patience)
    for (const [name, end] of Object.entries(ends)) logs[name].push(['state', ...state(end)])
  }
  await settle(both, patience)
  for (const [name, end] of Object.entries(ends)) {
    logs[name].push(['at last', ...state(end)])
    end.on('error', () => {})
    end.destroy()
  }
  for (const end of Object.values(ends)) await gone(end)
  await settle(both, patience)
  server.close()
  await once(server, 'close')
  return { peer: finish(logs.peer), socket: finish(logs.socket) }
}

// Fails when one of the pairs logs something else than the built-in with itself: more patient each time, because a machine
// may be too busy for anything to happen within a few turns.
async function assertSame(number) {
  const program = makeProgram(number)
  const expected = await play(program, REFERENCE)
  for (const pair of PAIRS) {
    if (isDeepStrictEqual(await play(program, pair), expected)) continue
    const about = `program ${number}, ${pairName(pair)}: ${JSON.stringify(program)}`
    await assertSoon((patience) => play(program, pair, patience), program, about)
  }
}

async function assertSoon(playPair, program, about) {
  for (const patience of [1, 5, 25]) {
    const actual = await playPair(patience)
    const patient = await play(program, REFERENCE, patience)
    if (isDeepStrictEqual(actual, patient)) return
    if (patience === 25) assert.deepEqual(actual, patient, about)
  }
}

module.exports = { assertSame }
