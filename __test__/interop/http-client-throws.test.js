'use strict'

// A listener that throws while a response is told, and names that Node has not looked at.

const assert = require('node:assert')
const { join } = require('node:path')
const { test } = require('node:test')
const { http } = require('ferrowire')
const { runProgram } = require('../common/programs')

const fixture = join(__dirname, 'fixtures/throw-at-end.js')
const skip = process.env.FERROWIRE_POISON ? 'the reference is poisoned' : false

test('a throw at the end of a response is told once, and nothing again', { skip }, async () => {
  const [expected, actual] = await Promise.all(
    ['node:http', 'ferrowire/http'].map((name) => runProgram(process.execPath, [fixture, name])),
  )
  assert.match(expected.stdout, /uncaught thrown/)
  assert.strictEqual(actual.stdout, expected.stdout)
})

test('a name that came past setHeader() is not taken for a valid one', () => {
  const agent = { addRequest() {}, protocol: 'http:', defaultPort: 80, keepAlive: true }
  for (let i = 0; i < 2; i++) {
    const request = http.request({ agent })
    const fields = Object.getOwnPropertySymbols(request).find(
      ({ description }) => description === 'kOutHeaders',
    )
    request[fields] = { __proto__: null, 'bad name': ['bad name', 'x'] }
    request.end()
  }
  assert.throws(() => http.request({ agent, headers: { 'bad name': 'x' } }), {
    code: 'ERR_INVALID_HTTP_TOKEN',
  })
})
