'use strict'

const assert = require('node:assert')
const { IncomingMessage } = require('node:http')
const { test } = require('node:test')
const incoming = require('../../src/js/http/incoming')
const { LastHead } = require('../../src/js/http/last-head')

const { endMessage } = incoming

const VERSION_1_1 = (1 << 8) | 1
const VERSION_1_0 = 1 << 8

function fillHead(message, text, info, maxPairs) {
  return incoming.fillHead(message, text, info, maxPairs, new LastHead())
}

test('a head without fields is its first part', () => {
  const message = new IncomingMessage()
  assert.strictEqual(fillHead(message, '/path?a=1', VERSION_1_0, 0), '/path?a=1')
  assert.strictEqual(message.httpVersion, '1.0')
  assert.deepStrictEqual(message.rawHeaders, [])
  assert.deepStrictEqual(message.headers, {})
})

test('fields keep order, case, duplicates and empty values', () => {
  const message = new IncomingMessage()
  const target = fillHead(
    message,
    '/\nHost\na\nX-Empty\n\nSet-Cookie\nb\nset-cookie\nc',
    VERSION_1_1,
    2000,
  )
  assert.strictEqual(target, '/')
  assert.strictEqual(message.httpVersion, '1.1')
  assert.deepStrictEqual(message.rawHeaders, [
    'Host',
    'a',
    'X-Empty',
    '',
    'Set-Cookie',
    'b',
    'set-cookie',
    'c',
  ])
  assert.deepStrictEqual(message.headers, { host: 'a', 'x-empty': '', 'set-cookie': ['b', 'c'] })
})

test('an empty first part is no field', () => {
  const message = new IncomingMessage()
  assert.strictEqual(fillHead(message, '\nServer\nx', VERSION_1_1, 0), '')
  assert.deepStrictEqual(message.rawHeaders, ['Server', 'x'])
})

test('a short list over the limit stays whole in rawHeaders, a long one is cut', () => {
  const short = new IncomingMessage()
  fillHead(short, '/\nA\n1\nB\n2', VERSION_1_1, 2)
  assert.deepStrictEqual(short.rawHeaders, ['A', '1', 'B', '2'])
  assert.deepStrictEqual(short.headers, { a: '1' })

  const fields = Array.from({ length: 40 }, (_, i) => `\nX-${i}\n${i}`).join('')
  const long = new IncomingMessage()
  fillHead(long, `/${fields}`, VERSION_1_1, 66)
  assert.strictEqual(long.rawHeaders.length, 66)
  assert.strictEqual(Object.keys(long.headers).length, 33)
})

test('trailers are added when the message ends', () => {
  const message = new IncomingMessage()
  fillHead(message, '/\nHost\na', VERSION_1_1, 0)
  endMessage(message, 'X-Sum\n1\nX-Sum\n2')
  assert.strictEqual(message.complete, true)
  assert.deepStrictEqual(message.rawTrailers, ['X-Sum', '1', 'X-Sum', '2'])
  assert.deepStrictEqual(message.trailers, { 'x-sum': '1, 2' })
})
