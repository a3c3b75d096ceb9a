'use strict'

// Sends the same bytes to a server of node:http and to one of ours and gives both sides' answers and event logs.

const { once } = require('node:events')
const net = require('node:net')
const { duplexPair } = require('node:stream')
const { assertNoneDiffers, withText } = require('./differences')
const { turn } = require('./turn')
const { HOST } = require('./endpoints')
const { head } = require('./http')
const { runProgram } = require('./response-programs')

const DATE = /^Date: .*$/gm
const PATIENCE_MS = 10_000
const LANES = 48

// What a server is given. `hears`: it has listeners for what Node would else answer itself; `watches`: somebody else listens
// for the bytes too; `bySelf`: they are not a socket's but come from JavaScript.
const CONFIGS = {
  plain: {},
  hearing: { hears: true },
  lenient: { hears: true, options: { insecureHTTPParser: true } },
  small: {
    hears: true,
    options: { maxHeaderSize: 300, requireHostHeader: false, joinDuplicateHeaders: true },
    maxHeadersCount: 5,
    maxRequestsPerSocket: 2,
  },
  watched: { hears: true, watches: true },
  duplex: { hears: true, bySelf: true },
}

// How a request is answered.
const MODES = {
  atOnce(request, response) {
    response.end('early')
  },
  whole(request, response) {
    let length = 0
    request.on('data', (chunk) => (length += chunk.length))
    request.on('end', () => response.end(`${length} bytes`))
  },
  echo(request, response) {
    response.setHeader('X-Set', ['a', 'b'])
    request.on('data', (chunk) => response.write(chunk))
    request.on('end', () => response.end())
  },
  later(request, response) {
    request.resume()
    setImmediate(() => {
      response.writeHead(201, 'Made', { 'Content-Length': 4 })
      response.end('late')
    })
  },
}

const PARSED = ['code', 'message', 'bytesParsed', 'reason']

class Side {
  constructor(http, config) {
    const { options, hears, maxHeadersCount = null, maxRequestsPerSocket = 0 } = CONFIGS[config]
    this.config = CONFIGS[config]
    this.records = new Map()
    this.server = http.createServer({ keepAliveTimeout: 60_000, ...options })
    Object.assign(this.server, { maxHeadersCount, maxRequestsPerSocket })
    this.server.on('connection', (socket) => this.accepted(socket))
    this.server.on('request', (...both) => this.requested('request', ...both))
    if (hears) this.hear()
  }

  async start() {
    this.server.listen(0, HOST)
    await once(this.server, 'listening')
    this.port = this.server.address().port
  }

  async stop() {
    this.server.close()
    await once(this.server, 'close')
  }

  accepted(socket) {
    const record = { socket, log: [], mode: null, isOpen: true }
    this.records.set(socket.remotePort ?? socket, record)
    socket.on('close', (hadError) => {
      record.log.push(['close', hadError])
      record.isOpen = false
      record.onClose?.()
    })
    if (this.config.watches) {
      socket.on('data', (chunk) => record.log.push(['bytes', chunk.latin1Slice()]))
    }
  }

  // Both ends of a new connection; ours is what the server sees.
  async connect() {
    if (this.config.bySelf) {
      const [near, far] = duplexPair()
      this.server.emit('connection', far)
      const record = this.records.get(far)
      record.onClose = () => near.destroy()
      return { near, record, key: far }
    }
    const near = net.connect({ port: this.port, host: HOST, noDelay: true })
    await once(near, 'connect')
    const key = near.localPort
    while (!this.records.has(key)) await turn()
    return { near, record: this.records.get(key), key }
  }

  // Also when the socket is closed, and has no port any more.
  recordOf(socket) {
    return [...this.records.values()].find((record) => record.socket === socket)
  }

  requested(event, request, response) {
    const { log, mode, program } = this.recordOf(request.socket)
    const id = log.length
    log.push([event, head(request), { keepAlive: response.shouldKeepAlive }])
    request.on('data', (chunk) => log.push([id, 'data', chunk.latin1Slice()]))
    request.on('end', () => log.push([id, 'end', request.complete, request.rawTrailers]))
    request.on('aborted', () => log.push([id, 'aborted']))
    request.on('error', (error) => log.push([id, 'error', error.code, error.message]))
    request.on('close', () => log.push([id, 'close']))
    for (const name of ['finish', 'close'])
      response.on(name, () => log.push([id, `answer ${name}`]))
    if (program === undefined) return MODES[mode](request, response)
    response.on('error', (error) => log.push([id, 'answer error', error.code, error.message]))
    runProgram(program, request, response, (...entry) => log.push([id, ...entry]))
  }

  hear() {
    const { server } = this
    const logOf = (socket) => this.recordOf(socket).log
    server.on('clientError', (error, socket) => {
      const record = this.recordOf(socket)
      // For later chunks Node tells the distance in memory from there to the first error.
      const isLater = this.config.bySelf && record.hasFailed
      record.hasFailed = true
      const told = PARSED.map((key) => (key === 'bytesParsed' && isLater ? '' : error[key]))
      record.log.push(['clientError', ...told, error.rawPacket?.latin1Slice(), socket.writable])
      if (socket.writable) socket.end('HTTP/1.1 418 Mine\r\n\r\n')
      else socket.destroy()
    })
    for (const name of ['upgrade', 'connect']) {
      server.on(name, (request, socket, rest) => {
        const log = logOf(socket)
        log.push([name, head(request), rest.latin1Slice()])
        socket.on('data', (chunk) => log.push([`${name} data`, chunk.latin1Slice()]))
        socket.on('error', (error) => log.push([`${name} error`, error.code]))
        socket.on('end', () => socket.end('bye'))
      })
    }
    server.on('checkContinue', (request, response) => {
      response.writeContinue()
      this.requested('checkContinue', request, response)
    })
    server.on('dropRequest', (request, socket) => logOf(socket).push(['dropped', head(request)]))
  }
}

// Until the server has read what was sent, or will not read it; then everything that follows from it has happened.
async function settle(record, sent) {
  for (let i = 0; i < 25 && record.isOpen && record.socket.bytesRead < sent; i++) await turn()
  for (let i = 0; i < 3; i++) await turn()
}

// One case on one side: { answer, log }.
async function play(side, { pieces, mode, program }) {
  const { near, record, key } = await side.connect()
  const chunks = []
  let failure = null
  near.on('data', (chunk) => chunks.push(chunk))
  near.on('error', (error) => (failure = error.code))
  const gone = new Promise((resolve) => near.on('close', resolve))
  Object.assign(record, { mode, program })

  const watchdog = setTimeout(() => {
    record.log.push('still open')
    near.destroy()
    record.socket.destroy()
  }, PATIENCE_MS)
  let sent = 0
  for (const piece of pieces) {
    if (!record.isOpen || near.destroyed) break
    near.write(piece)
    sent += piece.length
    await settle(record, sent)
  }
  near.end()
  await gone
  while (record.isOpen) await turn()
  await settle(record, sent)
  clearTimeout(watchdog)
  side.records.delete(key)
  const answer = Buffer.concat(chunks).latin1Slice().replace(DATE, 'Date')
  return { answer, log: record.log, failure }
}

// All of `cases` on one implementation; the results in their order.
async function playAll(http, cases) {
  const sides = {}
  for (const config of new Set(cases.map(({ config }) => config))) {
    sides[config] = new Side(http, config)
    await sides[config].start()
  }
  const results = []
  let next = 0
  const lane = async () => {
    while (next < cases.length) {
      const number = next++
      results[number] = await play(sides[cases[number].config], cases[number])
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  for (const side of Object.values(sides)) await side.stop()
  return results
}

// Throws, with the first differences in full, when the two are not the same in every case.
async function assertSame(ours, theirs, cases) {
  const expected = await playAll(theirs, cases)
  const actual = await playAll(ours, cases)
  assertNoneDiffers(cases, expected, actual, withText)
}

module.exports = { CONFIGS: Object.keys(CONFIGS), MODES: Object.keys(MODES), assertSame }
