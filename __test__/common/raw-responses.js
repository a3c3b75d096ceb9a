'use strict'

// Answers as bytes, good and bad, made from a number as in raw-requests.js, and what the client is that gets them.

const { cut, mutate, random } = require('./mutations')

const lines = (...text) => text.join('\r\n')

const LENGTH = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n'
const CHUNKED = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n'

// Whole answers, each about one thing.
const BASES = [
  `${LENGTH}\r\nhello`,
  `${LENGTH}Connection: close\r\n\r\nhello`,
  `${LENGTH}Connection: keep-alive\r\nKeep-Alive: timeout=5, max=100\r\n\r\nhello`,
  `${CHUNKED}\r\n5\r\nhello\r\n0\r\n\r\n`,
  lines(
    'HTTP/1.1 200 OK',
    'Transfer-Encoding: gzip, chunked',
    'Trailer: X',
    '',
    '5;a=b;c="d\\"e";f',
    'hello',
    'A',
    '0123456789',
    '0',
    'X: y',
    'Z:',
    'X: z',
    '',
    '',
  ),
  lines('HTTP/1.1 200 OK', '', 'until the end'),
  lines('HTTP/1.0 200 OK', 'X-A: 1', '', 'of the old kind'),
  lines('HTTP/1.0 200 OK', 'Connection: keep-alive', 'Content-Length: 3', '', 'old'),
  lines('HTTP/1.1 204 No Content', 'X: y', '', ''),
  lines('HTTP/1.1 304 Not Modified', 'Content-Length: 5', 'ETag: "x"', '', ''),
  lines('HTTP/1.1 404', 'Content-Length: 0', '', ''),
  lines('HTTP/1.1 500 A Long Reason, caf\xe9', 'Content-Length: 0', '', ''),
  lines('HTTP/1.1 100 Continue', '', `${LENGTH}`, 'hello'),
  lines('HTTP/1.1 103 Early Hints', 'Link: <x>', 'Link: <y>', '', `${LENGTH}`, 'hello'),
  lines(
    'HTTP/1.1 102 Processing',
    '',
    'HTTP/1.1 100 Continue',
    'X: y',
    '',
    `${CHUNKED}`,
    '0',
    '',
    '',
  ),
  lines('HTTP/1.1 101 Switching Protocols', 'Connection: upgrade', 'Upgrade: x', '', 'raw'),
  lines('HTTP/1.1 200 OK', 'Connection: upgrade', 'Upgrade: x', 'Content-Length: 5', '', 'hello'),
  lines('HTTP/1.1 426 Upgrade Required', 'Upgrade: x', 'Content-Length: 0', '', ''),
  lines(
    'HTTP/1.1 200 OK',
    'Set-Cookie: a=1',
    'set-cookie: b=2',
    'X-A: 1',
    'x-a: 2',
    'Age: 1',
    'Age: 2',
    'Vary: a',
    'Vary: b',
    'Cookie: c',
    'Cookie: d',
    'Content-Length: 0',
    '',
    '',
  ),
  lines(
    'HTTP/1.1 200 OK',
    'X: \xe9\xff caf\xc3\xa9',
    'X-Empty:',
    'X-Blank: \t ',
    'X-MiXeD:  a  b \t',
    `X-Long: ${'v'.repeat(60)}`,
    'Content-Length: 0',
    '',
    '',
  ),
  lines('HTTP/1.1 200 OK', 'Content-Length: 40', '', 'shorter than announced'),
  lines('HTTP/1.1 200 OK', 'Content-Length: 2', '', 'longer than announced'),
  lines('', '', `${LENGTH}`, 'hello'),
]

const many = (count) => Array.from({ length: count }, (_, i) => `X-${i}: ${i}`)
// Longer ones.
const SEVERAL = [
  lines(`${CHUNKED}`, '5', 'hello', '0', 'Connection: close', '', ''),
  lines('HTTP/1.1 101 Without a protocol', '', 'raw'),
  lines('HTTP/1.1 200 OK', 'Transfer-Encoding: gzip', 'Content-Length: 2', '', 'coded'),
  lines('HTTP/1.1 200 OK', ...many(31), 'Content-Length: 5', '', 'hello'),
  lines(...[103, 102, 100].map((code) => `HTTP/1.1 ${code} A\r\nX: y\r\n`), BASES[4]),
  lines(
    `${CHUNKED}`,
    ...Array.from({ length: 12 }, (_, i) => `1;n=${i}\r\n${i % 10}`),
    '0',
    '',
    '',
  ),
]

// What is put somewhere into them.
const PIECES = [
  ['\r\n', '\n', '\r', '\r\n\r\n', ' ', '\t', '\0', '\x01', '\x7f', '\x80', '\xff', ':', ',', ';'],
  [
    '"',
    '\\',
    '=',
    '/',
    '#',
    '0',
    '1',
    '9',
    'f',
    'G',
    '-',
    '+',
    '_',
    'é',
    '.',
    'HTTP/',
    '20',
    '1xx',
  ],
  [
    'HTTP/1.0',
    'HTTP/0.9',
    'HTTP/2.0',
    'HTTP/9.9',
    'http/1.1',
    'HTTP/1.1 ',
    'HTTP/1.1 99 ',
    'ICY 200',
  ],
  ['HTTP/1.1 199 Odd\r\n\r\n', 'HTTP/1.1 100 Continue\r\n\r\n', 'HTTP/1.1 101 Switching\r\n\r\n'],
  ['HTTP/1.1 200 OK\r\n', 'HTTP/1.1 204\r\n', 'HTTP/1.1 1000 Odd\r\n', 'HTTP/1.1 000 Odd\r\n'],
  ['Content-Length: 5\r\n', 'Content-Length: 05\r\n', 'Content-Length:\r\n'],
  ['Content-Length: +5\r\n', 'content-length: 5, 5\r\n', 'Content-Length: 5 5\r\n'],
  ['Content-Length: -1\r\n', 'Content-Length: 18446744073709551615\r\n', 'Content-Length: 0\r\n'],
  ['Content-Length: 18446744073709551616\r\n', 'Content-Length : 5\r\n', 'Content-Length: 0x5\r\n'],
  ['Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: identity\r\n', 'transfer-encoding:\r\n'],
  ['Transfer-Encoding: chunked \t\r\n', 'Transfer-Encoding: chunked, chunked\r\n'],
  ['Transfer-Encoding: ,chunked\r\n', 'Transfer-Encoding: chunked, gzip\r\n', 'TE: trailers\r\n'],
  ['Transfer-Encoding: xchunked\r\n', 'Transfer-Encoding: chunkedx\r\n'],
  [
    'Transfer-Encoding:\x0bchunked\r\n',
    'Transfer-Encoding: chunked\n',
    'Transfer-Encoding: gzip\r\n',
  ],
  ['Connection: close\r\n', 'Connection: keep-alive\r\n', 'Connection: clos, close\r\n'],
  ['Connection: close x\r\n', 'Connection:close,upgrade ,\r\n', 'Connection: ,,close\t\r\n'],
  ['Connection: upgrade\r\n', 'Upgrade: x\r\n', 'Proxy-Connection: keep-alive\r\n'],
  ['Keep-Alive: timeout=1\r\n', 'Keep-Alive: timeout=0\r\n', 'Keep-Alive: max=1\r\n'],
  [' folded\r\n', '\tfolded\r\n', ' \r\n', 'a:b\r\n', 'a :b\r\n', ':b\r\n', '__proto__: x\r\n'],
  ['constructor: y\r\n', 'Date: 1\r\n', 'Date: 2\r\n', 'Set-Cookie: c\r\n', 'Server: a\r\n'],
  ['5\r\nhello\r\n', '0\r\n\r\n', 'FFFFFFFFFFFFFFFF', 'FFFFFFFFFFFFFFFFF', '5;a\r\nhello\r\n'],
  ['5;a="b\r\nhello\r\n', '5;a=b\nhello\r\n', '5 ;a\r\nhello\r\n', '0\r\nX: y\r\n', '0x5\r\n'],
  ['e'.repeat(30), `${'a'.repeat(70)}:b\r\n`, `X-B: ${'b'.repeat(400)}\r\n`],
].flat()

const LONGEST = 1500

// What is asked; the most usual more than once.
const METHODS = ['GET', 'GET', 'GET', 'HEAD', 'POST', 'POST late', 'CONNECT', 'upgrade']
// How the server goes on when it has said all: it does nothing, or ends, at once or once all has been read.
const ENDINGS = ['stay', 'stay', 'end', 'end at once', 'reset']

// Case `number`: { pieces, config, reading, method, ending }, where config and reading are one of those given.
function makeCase(number, configs, readings) {
  const below = random(Math.imul(number + 1, 0x9e3779b1))
  const pick = (list) => list[below(list.length)]
  let text = pick(BASES)
  for (let count = below(4); count > 0; count--) text = mutate(text, below, PIECES)
  // An answer that nobody asked for, or the beginning of one.
  if (below(8) === 0) text += below(2) === 0 ? pick(BASES) : pick(PIECES)
  const bytes = Buffer.from(text.slice(0, LONGEST), 'latin1')
  const config = pick(configs)
  const [reading, method, ending] = [pick(readings), pick(METHODS), pick(ENDINGS)]
  return { name: `case ${number}`, config, reading, method, ending, pieces: cut(bytes, below) }
}

module.exports = { BASES, ENDINGS, METHODS, SEVERAL, makeCase }
