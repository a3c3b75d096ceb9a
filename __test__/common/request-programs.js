'use strict'

// What a client may do with a request, its response, its connection and its agent, and what a server may do meanwhile, made
// from a number: calls in any order, right and wrong ones.

const { random } = require('./mutations')
const { ANY, CHUNKS, ENCODINGS, NAMES, VALUES } = require('./response-programs')

const OK = 'HTTP/1.1 200 OK\r\n'
const FIN = Symbol('FIN')
const CHUNKED = [`${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`, '5\r\nworld\r\n']
// What the server says, in pieces. Nothing comes behind a whole answer: that is the other comparison's, see says-more.js.
const ANSWERS = [
  [`${OK}Content-Length: 5\r\n\r\nhello`],
  [`${OK}Content-Length: 5\r\n\r\nhello`],
  [`${OK}Content-Length: 5\r\nKeep-Alive: timeout=20, max=3\r\n\r\nhello`],
  [`${OK}Content-Length: 5\r\nKeep-Alive: timeout=0\r\n\r\nhello`, FIN],
  [`${OK}Content-Length: 5\r\nConnection: close\r\n\r\nhello`, FIN],
  [`${OK}Content-Length: 10\r\n\r\nhello`, 'world'],
  [`${OK}\r\nhello`, 'world', FIN],
  [...CHUNKED, '0\r\nX-T: v\r\n\r\n'],
  ['HTTP/1.1 100 Continue\r\n\r\n', ...CHUNKED, '0\r\n\r\n'],
  ['HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n', 'HTTP/1.1 204 No Content\r\n\r\n'],
  ['HTTP/1.1 304 Not Modified\r\n\r\n'],
  ['HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', FIN],
  ['HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nraw', 'rest'],
  [`${OK}Content-Length: 50000\r\n\r\n${'b'.repeat(45_000)}`, 'e'.repeat(5000)],
  ['HTTP/1.1 2', '00 OK\r\nContent-Length: 0\r\n\r\n'],
  ['HTTP/1.1 200 OK\r\nContent Length: 5\r\n\r\n'],
  ['rubbish\r\n\r\n'],
  [],
]

// How often each kind of step is taken: of the request, of the response, of what is around them.
const KINDS = [0, 0, 0, 0, 0, 1, 1, 2]

// [subject, name, ...arguments]: a method, or '=' for a property and its value.
const OF = [
  (pick, below) => {
    const name = pick(NAMES)
    const value = pick(VALUES[name.toLowerCase()] ?? ANY)
    return pick([
      ['setHeader', name, value],
      ['appendHeader', name, value],
      ['removeHeader', name],
      ['addTrailers', { 'X-T': value }],
      ['flushHeaders'],
      ['cork'],
      ['uncork'],
      ['setTimeout', pick([0, 50_000, -1, 'x'])],
      ['setTimeout', 60_000, '()'],
      ['setNoDelay', pick([undefined, true, false])],
      ['setSocketKeepAlive', true, 1000],
      ['abort'],
      ['destroy'],
      ['destroy', new Error('mine')],
      ['=', 'path', pick(['/other', '/a b', 5])],
      [
        '=',
        pick(['shouldKeepAlive', 'useChunkedEncodingByDefault', 'strictContentLength']),
        below(2) === 0,
      ],
      ['end'],
      ['end', pick(CHUNKS), pick(ENCODINGS)],
      ['end', pick(CHUNKS), '()'],
      ['write', pick(CHUNKS), pick(ENCODINGS)],
      ['write', pick(CHUNKS), '()'],
      ['write', pick(CHUNKS), pick(ENCODINGS), '()'],
    ]).slice()
  },
  (pick) =>
    pick([
      ['pause'],
      ['resume'],
      ['read'],
      ['read', 3],
      ['setEncoding', 'utf8'],
      ['setTimeout', 50_000, '()'],
      ['destroy'],
      ['destroy', new Error('its')],
      ['unpipe'],
    ]).slice(),
  (pick) =>
    pick([
      ['socket', 'destroy'],
      ['socket', 'destroy', new Error("the socket's")],
      ['socket', 'end'],
      ['socket', 'setTimeout', 50_000],
      ['socket', 'resume'],
      ['socket', 'unref'],
      ['socket', 'ref'],
      ['agent', 'destroy'],
      ['controller', 'abort'],
      ['controller', 'abort', new Error('reason')],
    ]).slice(),
]
const SUBJECTS = ['request', 'response', null]

function step(below) {
  const pick = (list) => list[below(list.length)]
  const kind = pick(KINDS)
  const call = OF[kind](pick, below)
  return { call: SUBJECTS[kind] ? [SUBJECTS[kind], ...call] : call, waits: below(4) }
}

const fits = (answer) => answer.every((piece) => piece === FIN || piece.length < 1024)

// The server's steps: an answer, or a part of one, and perhaps an end or a reset.
function said(below, answers) {
  const answer = answers[below(answers.length)]
  const pieces = answer.slice(0, below(4) === 0 ? below(answer.length + 1) : answer.length)
  const steps = pieces.map((piece) =>
    piece === FIN ? ['peer', 'end'] : ['peer', 'write', piece, 'latin1'],
  )
  const how = below(8)
  if (how === 0) steps.push(['peer', 'end'])
  if (how === 1) steps.push(['peer', 'resetAndDestroy'])
  return steps
}

// Both lists in one, each in its order.
function merge(some, others, below) {
  const merged = []
  const left = [some.slice(), others.slice()]
  while (left[0].length > 0 && left[1].length > 0) merged.push(left[below(2)].shift())
  return [...merged, ...left.flat()]
}

const AGENTS = [
  { keepAlive: true },
  { keepAlive: true, maxSockets: 1 },
  { keepAlive: true, maxSockets: 1, timeout: 40_000 },
  { keepAlive: true, maxFreeSockets: 0, maxTotalSockets: 1 },
  { maxSockets: 1 },
  {},
  false,
]
const METHODS = ['GET', 'POST', 'POST', 'PUT', 'HEAD', 'DELETE', 'CONNECT']
const FIELDS = [
  undefined,
  undefined,
  { 'Content-Length': 5 },
  { 'Transfer-Encoding': 'chunked' },
  { Expect: '100-continue' },
  { Connection: 'close' },
  { Connection: 'Upgrade', Upgrade: 'x' },
  { Trailer: 'X-T', 'X-A': ['1', '2'] },
  ['X-A', '1', 'X-A', '2'],
]

// Program `number`: { agent, options, hears, steps }.
function makeRequests(number) {
  const below = random(Math.imul(number + 1, 0xc2b2ae35))
  const pick = (list) => list[below(list.length)]
  const options = { method: pick(METHODS), headers: pick(FIELDS) }
  if (below(6) === 0) options.timeout = pick([0, 30_000, 40_000])
  if (below(8) === 0) options.highWaterMark = 1024
  if (below(8) === 0) options.setHost = false
  const steps = Array.from({ length: 1 + below(8) }, () => step(below))
  // Mostly the request comes to its end, and an answer.
  if (below(4) !== 0)
    steps.splice(below(steps.length + 1), 0, { call: ['request', 'end'], waits: 2 })
  // What does not fit stays in the kernel, or in the stream: that differs.
  const answers = options.highWaterMark ? ANSWERS.filter(fits) : ANSWERS
  const answer = said(below, answers).map((call) => ({ call, waits: 1 + below(3) }))
  return {
    name: `program ${number}`,
    agent: pick(AGENTS),
    options,
    // Who listens: for the body, for what is no answer, for an abort.
    reads: below(4) !== 0,
    hears: below(2) === 0,
    isAbortable: below(2) === 0,
    isQueued: below(5) === 0,
    // The server can speak only once there is a connection.
    steps: merge(steps, [{ call: ['peer', 'wait'], waits: 0 }, ...answer], below),
  }
}

module.exports = { makeRequests }
