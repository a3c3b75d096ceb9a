'use strict'

// Requests as bytes, good and bad, made from a number: case 4711 is the same bytes on every machine and in every run.

const { cut, mutate, random } = require('./mutations')

const lines = (...text) => text.join('\r\n')

// Whole messages, each about one thing.
const BASES = [
  lines('GET / HTTP/1.1', 'Host: a', '', ''),
  lines('GET /a?b=c HTTP/1.0', 'Connection: keep-alive', '', ''),
  lines('GET /old HTTP/1.0', '', ''),
  lines('HEAD /x HTTP/1.1', 'Host: a', 'X-Empty:', 'X-Blank: \t ', '', ''),
  lines('POST / HTTP/1.1', 'Host: a', 'Content-Length: 5', '', 'hello'),
  lines('PUT / HTTP/1.1', 'Host: a', 'Content-Length: 0', '', ''),
  lines('POST / HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked', '', '5', 'hello', '0', '', ''),
  lines(
    'POST /t HTTP/1.1',
    'Host: a',
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
    '',
    '',
  ),
  lines('GET / HTTP/1.1', 'Host: a', 'Connection: close', '', ''),
  lines('GET /u HTTP/1.1', 'Host: a', 'Connection: Upgrade', 'Upgrade: ws', '', 'raw'),
  lines(
    'POST /u HTTP/1.1',
    'Host: a',
    'Connection: upgrade, keep-alive',
    'Upgrade: x',
    'Content-Length: 3',
    '',
    'abc',
  ),
  lines('CONNECT a.b:80 HTTP/1.1', 'Host: a', '', 'raw'),
  lines('OPTIONS * HTTP/1.1', 'Host: \tb \t', '', ''),
  lines('GET http://u:p@h.x:8/p?q HTTP/1.1', 'Host: h.x', '', ''),
  lines('POST / HTTP/1.1', 'Host: a', 'Expect: 100-continue', 'Content-Length: 2', '', 'ab'),
  lines('POST / HTTP/1.1', 'Host: a', 'Expect: miracles', 'Content-Length: 2', '', 'ab'),
  lines('GET / HTTP/1.1', 'Host: a', 'Cookie: a=1', 'cookie: b=2', 'X-A: 1', 'x-a: 2', '', ''),
  lines(
    'GET / HTTP/1.1',
    'Host: a',
    'X: \xe9\xff caf\xc3\xa9',
    `X-Long: ${'v'.repeat(60)}`,
    '',
    '',
  ),
  lines('GET / HTTP/1.1', '', ''),
  lines('PRI * HTTP/2.0', '', 'SM', '', ''),
  lines('SOURCE /x ICE/1.0', '', ''),
  lines('PLAY / RTSP/1.0', 'Content-Length: 0', '', ''),
  lines('', '', 'GET /late HTTP/1.1', 'Host: a', '', ''),
]

// Longer ones, and several in one.
const many = (count) => Array.from({ length: count }, (_, i) => `X-${i}: ${i}`)
const [, , , , , , , TRAILERS] = BASES
const SEVERAL = [
  lines('GET / HTTP/1.1', 'Host: a', ...many(31), '', '').repeat(2) + BASES[0],
  lines('GET / HTTP/1.1', 'Host: a', ...many(29), '', '') + BASES[0],
  TRAILERS + BASES[0] + TRAILERS,
]

// What is put somewhere into them.
const PIECES = [
  ['\r\n', '\n', '\r', '\r\n\r\n', ' ', '\t', '\0', '\x01', '\x7f', '\x80', '\xff', ':', ',', ';'],
  ['"', '\\', '=', '/', '?', '#', '@', '[', '%00', '0', '1', '9', 'f', 'G', '-', '+', '_', 'é'],
  [
    'GET',
    'get',
    'M-SEARCH',
    'HTTP/1.1',
    'HTTP/1.0',
    'HTTP/0.9',
    'HTTP/2.0',
    'HTTP/3.1',
    'http/1.1',
  ],
  [
    'Content-Length: 5\r\n',
    'Content-Length: 05\r\n',
    'Content-Length:\r\n',
    'Content-Length: +5\r\n',
  ],
  ['content-length: 5, 5\r\n', 'Content-Length: 5 5\r\n', 'Content-Length: -1\r\n'],
  ['Content-Length: 18446744073709551615\r\n', 'Content-Length: 18446744073709551616\r\n'],
  ['Content-Length : 5\r\n', 'Content-Length: 0x5\r\n', 'Content-Length: 5\t\r\n'],
  ['Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: identity\r\n', 'transfer-encoding:\r\n'],
  ['Transfer-Encoding: chunked \t\r\n', 'Transfer-Encoding: chunked, chunked\r\n'],
  ['Transfer-Encoding: ,chunked\r\n', 'Transfer-Encoding: gzip,\tchunked \r\n'],
  ['Transfer-Encoding: xchunked\r\n', 'Transfer-Encoding: chunkedx\r\n', 'TE: trailers\r\n'],
  [
    'Transfer-Encoding:\x0bchunked\r\n',
    'Transfer_Encoding: chunked\r\n',
    'Transfer-Encoding: chunked\n',
  ],
  ['Connection: close\r\n', 'Connection: keep-alive\r\n', 'Connection: clos, close\r\n'],
  ['Connection: close x\r\n', 'Connection:close,upgrade ,\r\n', 'Connection: ,,close\t\r\n'],
  [
    'Connection: closed\r\n',
    'Connection:\r\n',
    'Proxy-Connection: keep-alive\r\n',
    'Upgrade: x\r\n',
  ],
  ['Expect: 100-continue\r\n', 'Host: b\r\n', 'Host:\r\n', ' folded\r\n', '\tfolded\r\n', ' \r\n'],
  [
    'a:b\r\n',
    'a :b\r\n',
    ':b\r\n',
    '__proto__: x\r\n',
    'constructor: y\r\n',
    'Date: 1\r\n',
    'Date: 2\r\n',
  ],
  ['5\r\nhello\r\n', '0\r\n\r\n', 'FFFFFFFFFFFFFFFF', 'FFFFFFFFFFFFFFFFF', '5;a\r\nhello\r\n'],
  ['5;a="b\r\nhello\r\n', '5;a=b\nhello\r\n', '5 ;a\r\nhello\r\n', '0\r\nX: y\r\n', '0x5\r\n'],
  ['e'.repeat(30), `${'a'.repeat(70)}:b\r\n`, `X-B: ${'b'.repeat(400)}\r\n`],
].flat()

const LONGEST = 1500

// Case `number`: { pieces, mode, config }, where mode and config are one of those given.
function makeCase(number, modes, configs) {
  const below = random(Math.imul(number + 1, 0x9e3779b1))
  let text = ''
  for (let count = 1 + below(3); count > 0; count--) text += BASES[below(BASES.length)]
  for (let count = below(4); count > 0; count--) text = mutate(text, below, PIECES)
  if (text === '') text = BASES[0]
  const bytes = Buffer.from(text.slice(0, LONGEST), 'latin1')
  const mode = modes[below(modes.length)]
  let config = configs[below(configs.length)]
  // Node drops what comes in one read with such a request and behind it, when nobody follows the upgrade.
  if (config === 'plain' && /upgrade/i.test(text)) config = 'hearing'
  return { name: `case ${number}`, config, mode, pieces: cut(bytes, below) }
}

module.exports = { BASES, SEVERAL, makeCase }
