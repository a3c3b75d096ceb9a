'use strict'

// What two ends of a connection may do to each other, made from a number, and the log of both. An end is from node:net or
// ours; every pair must log the same.

const { once } = require('node:events')
const { setImmediate: turn } = require('node:timers/promises')
const { HOST, localPath } = require('./endpoints')
const { sides } = require('./modules')
const { random } = require('./mutations')

const TOLD = ['end', 'finish', 'drain', 'error', 'close', 'pause', 'resume', 'timeout']
const SIZES = [1, 5, 100, 5000, 20_000, 100_000]

function step(below) {
  const pick = (list) => list[below(list.length)]
  const name = pick(Object.keys(STEPS))
  const size = pick(SIZES)
  return { end: pick(['peer', 'socket']), name, size, waits: below(3) !== 0 }
}

const noted = (log) => (error) => log.push(['written', error?.code])

// Those of most interest more than once.
const STEPS = {
  write: (end, log, size) => end.write(Buffer.alloc(size, 'a'), noted(log)),
  writeMore: (end, log, size) => end.write(Buffer.alloc(size, 'b'), noted(log)),
  writeText: (end, log, size) => end.write('é'.repeat(size), noted(log)),
  writeNothing: (end, log) => end.write('', noted(log)),
  writeWrong: (end) => end.write(5),
  end: (end) => end.end(),
  endWith: (end, log, size) => end.end(Buffer.alloc(size, 'c'), noted(log)),
  destroy: (end) => end.destroy(),
  destroyWith: (end) => end.destroy(new Error('mine')),
  destroySoon: (end) => end.destroySoon(),
  reset: (end) => end.resetAndDestroy(),
  pause: (end) => end.pause(),
  resume: (end) => end.resume(),
  cork: (end) => end.cork(),
  uncork: (end) => end.uncork(),
  setEncoding: (end) => end.setEncoding('utf8'),
  read: (end, log, size) => end.read(size)?.length,
  readAll: (end) => end.read()?.length,
  unshift: (end) => end.unshift('u'),
  ref: (end) => end.ref(),
  unref: (end) => end.unref(),
}

function makeSockets(number) {
  const below = random(Math.imul(number + 1, 0x27d4eb2f))
  const pick = (list) => list[below(list.length)]
  const options = () => ({
    allowHalfOpen: pick([true, false]),
    highWaterMark: pick([undefined, undefined, 1024, 65_536]),
  })
  const program = {
    over: pick(['tcp', 'local']),
    server: { ...options(), pauseOnConnect: below(4) === 0 },
    client: options(),
    reads: { peer: below(4) !== 0, socket: below(4) !== 0 },
    steps: Array.from({ length: 2 + below(8) }, () => step(below)),
  }
  // Node resets a socket that is ending with an error of its own, and keeps it.
  const ending = new Set()
  program.steps = program.steps.filter(({ end, name }) => {
    if (/^end|^destroySoon/.test(name)) ending.add(end)
    return name !== 'reset' || !ending.has(end)
  })
  return program
}

function state(end) {
  const { readyState, destroyed, writableEnded, writableFinished, readableEnded, readable } = end
  const { writable, readableFlowing } = end
  const buffered = [end.readableLength > 0, end.writableLength > 0]
  const flags = [writableEnded, writableFinished, readableEnded, readable, writable]
  return [readyState, destroyed, readableFlowing, ...buffered, ...flags]
}

function watch(end, log, reads) {
  for (const name of TOLD) end.on(name, (value) => log.push([name, value?.message ?? value]))
  if (!reads) return
  // How the bytes were cut is nobody's promise.
  end.on('data', (chunk) => {
    const last = log.at(-1)
    if (last?.[0] === 'data' && last[1] === typeof chunk) last[2] += chunk.length
    else log.push(['data', typeof chunk, chunk.length])
  })
}

// The logs of both ends, `server` and `client` being 'built-in' or 'ferrowire'.
async function playSockets(program, { server: serverSide, client: clientSide }) {
  const { over, reads, steps } = program
  const log = { peer: [], socket: [] }
  const server = sides[serverSide].net.createServer(program.server)
  const path = localPath()
  server.listen(over === 'tcp' ? { port: 0, host: HOST } : { path })
  await once(server, 'listening')
  const place = over === 'tcp' ? { port: server.address().port, host: HOST } : { path }
  const accepted = once(server, 'connection')
  const socket = sides[clientSide].net.connect({ ...place, ...program.client })
  const [[peer]] = await Promise.all([accepted, once(socket, 'connect')])
  const ends = { peer, socket }
  for (const name of ['peer', 'socket']) watch(ends[name], log[name], reads[name])
  for (let i = 0; i < 2; i++) await turn()

  for (const { end: name, name: what, size, waits } of steps) {
    const end = ends[name]
    let result
    try {
      result = STEPS[what](end, log[name], size)
    } catch (error) {
      result = error.message
    }
    log[name].push(['>', what, result === end ? 'itself' : result, ...state(end)])
    for (let i = waits ? 0 : 6; i < 6; i++) await turn()
  }
  for (let i = 0; i < 16; i++) await turn()
  for (const [name, end] of Object.entries(ends)) {
    log[name] = [...log[name], ['at last', ...state(end), end.bytesWritten, end.errored?.message]]
    end.on('error', () => {})
    end.destroy()
  }
  for (const end of [peer, socket]) if (!end.closed) await once(end, 'close')
  server.close()
  await once(server, 'close')
  return log
}

module.exports = { makeSockets, playSockets }
