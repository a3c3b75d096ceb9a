'use strict'

// What a handler may do with a response, made from a number: calls in any order, right and wrong ones.

const { setImmediate: turn } = require('node:timers/promises')
const { random } = require('./mutations')

const NAMES = [
  'X-A',
  'x-a',
  'X-B',
  'Content-Type',
  'Set-Cookie',
  'Content-Length',
  'content-length',
  'Connection',
  'Transfer-Encoding',
  'Date',
  'Keep-Alive',
  'Trailer',
  'Content-Disposition',
  'Expect',
  'Upgrade',
  '',
  'b@d',
  '__proto__',
]
const VALUES = {
  'content-length': ['5', 5, '0', 0, '3', '70000', 'x', '-1', ['5', '5']],
  connection: ['close', 'keep-alive', 'Close', 'upgrade', ['close'], 'keep-alive, x'],
  'transfer-encoding': ['chunked', 'gzip, chunked', 'identity', ['chunked']],
  date: ['never', 'Thu, 01 Jan 1970 00:00:00 GMT'],
  trailer: ['X-T'],
  'keep-alive': ['timeout=1'],
  'content-disposition': ['attachment; filename="é"', 'inline'],
  'set-cookie': [['a=1', 'b=2'], 'c=3', []],
}
const ANY = [
  'v',
  '',
  7,
  'two words',
  ['one', 'two'],
  'caf\xe9',
  '✓',
  'line\r\nbreak',
  undefined,
  null,
  true,
]
const CHUNKS = [
  'hello',
  '',
  'h\xe9llo ✓',
  'x'.repeat(70_000),
  Buffer.from('bytes'),
  new Uint8Array([104, 105]),
  Buffer.alloc(20_000, 'y'),
  Buffer.alloc(0),
  undefined,
  null,
  7,
  {},
]
const ENCODINGS = [undefined, undefined, undefined, 'utf8', 'latin1', 'base64', 'utf16le']
const STATUS = [200, 200, 201, 204, 304, 404, 500, 100, 99, 1000, '200', 299, NaN]
const REASONS = ['Fine', '', 'caf\xe9', 'bad\n', undefined]

// [name, ...arguments]: a method, or a property and its value.
function step(below) {
  const pick = (list) => list[below(list.length)]
  const value = (name) => pick(VALUES[name.toLowerCase()] ?? ANY)
  const fields = () =>
    Object.fromEntries(
      Array.from({ length: below(4) }, () => pick(NAMES)).map((name) => [
        name || 'X-C',
        value(name),
      ]),
    )
  const name = pick(NAMES)
  switch (below(24)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
      return ['setHeader', name, value(name)]
    case 6:
      return ['appendHeader', name, value(name)]
    case 7:
      return ['removeHeader', name]
    case 8:
    case 9:
      return ['=', 'statusCode', pick(STATUS)]
    case 10:
      return ['=', 'statusMessage', pick(REASONS)]
    case 11:
      return [
        '=',
        pick(['sendDate', 'shouldKeepAlive', 'chunkedEncoding', 'useChunkedEncodingByDefault']),
        false,
      ]
    case 12:
      return ['=', pick(['strictContentLength', 'chunkedEncoding', 'sendDate']), true]
    case 13:
      return ['writeHead', pick(STATUS), fields()]
    case 14:
      return ['writeHead', pick(STATUS), pick(REASONS), Object.entries(fields()).flat()]
    case 15:
      return ['writeHead', pick(STATUS)]
    case 16:
      return ['flushHeaders']
    case 17:
      return [pick(['cork', 'uncork', 'writeContinue', 'writeProcessing'])]
    case 18:
      return ['writeEarlyHints', { link: '</style.css>; rel=preload' }]
    case 19:
      return ['addTrailers', fields()]
    case 20:
      return ['setHeaders', new Map(Object.entries(fields()))]
    case 21:
      return ['turn']
    default:
      return ['write', pick(CHUNKS), pick(ENCODINGS)]
  }
}

// Program `number` as a case for differential.js.
function makeProgram(number) {
  const below = random(Math.imul(number + 1, 0x85ebca6b))
  const pick = (list) => list[below(list.length)]
  const steps = Array.from({ length: below(7) }, () => step(below))
  const chunk = pick(CHUNKS)
  // Nearly always an end; sometimes more than one, sometimes worse.
  const ends = [
    ['end', chunk, pick(ENCODINGS)],
    ['end', chunk],
    ['end'],
    ['end', chunk, '()'],
    ['end', '()'],
  ]
  steps.push(pick(ends))
  if (below(12) === 0) steps.push(pick([...ends, ['write', 'late'], ['destroy'], step(below)]))
  const requests = [
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
    'HEAD / HTTP/1.1\r\nHost: a\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n',
    'GET / HTTP/1.0\r\n\r\n',
    'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello',
    'PUT / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n',
  ]
  const pieces = [Buffer.from(pick(requests).repeat(1 + below(2)))]
  return { name: `program ${number}`, config: 'plain', program: steps, pieces }
}

// Lists are copied: a response keeps those that it is given, and adds to them.
function fresh(value) {
  if (Array.isArray(value)) return value.map(fresh)
  if (value instanceof Map) return new Map([...value].map(fresh))
  if (value && Object.getPrototypeOf(value) === Object.prototype) {
    return Object.fromEntries(Object.entries(value).map(fresh))
  }
  return value
}

// Runs `steps` and notes what each one answers or throws.
async function runProgram(steps, request, response, note) {
  for (const [what, ...args] of steps) {
    if (what === 'turn') {
      await turn()
      continue
    }
    try {
      if (what === '=') response[args[0]] = args[1]
      else {
        const given = args.map((arg) =>
          arg === '()' ? (error) => note('called', error?.code) : fresh(arg),
        )
        const result = response[what](...given)
        note(what, result === response ? 'itself' : result)
      }
    } catch (error) {
      note(what, error.code, error.message)
    }
  }
  const { headersSent, statusCode, statusMessage, writableEnded, writableFinished, destroyed } =
    response
  note('state', headersSent, statusCode, statusMessage, writableEnded, writableFinished, destroyed)
  note('headers', response.getHeaders(), response.getRawHeaderNames())
  if (!response.writableEnded && !response.destroyed) response.destroy()
}

module.exports = { ANY, CHUNKS, ENCODINGS, NAMES, VALUES, fresh, makeProgram, runProgram }
