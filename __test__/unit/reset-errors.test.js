'use strict'

// The errors that the loop brings share the text of their one stack frame; nobody can tell, and who
// formats stacks is asked as before.

const assert = require('node:assert')
const { once } = require('node:events')
const { test, before, after } = require('node:test')
const net = require('ferrowire/net')

let server

before(async () => {
  server = net.createServer((peer) => peer.resetAndDestroy())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
})
after(() => server.close())

async function reset() {
  const socket = net.connect(server.address().port, '127.0.0.1')
  const [error] = await once(socket, 'error')
  return error
}

const shape = (error) => Object.getOwnPropertyNames(error)

function described(error) {
  const { enumerable, configurable } = Object.getOwnPropertyDescriptor(error, 'stack')
  return { names: shape(error), stack: error.stack, enumerable, configurable }
}

test('each has the same keys and the same stack', async () => {
  const errors = [await reset(), await reset(), await reset()]
  assert.strictEqual(errors[0].code, 'ECONNRESET')
  assert.match(errors[0].stack, /^Error: read ECONNRESET\n {4}at [^\n]+$/)
  for (const error of errors.slice(1))
    assert.deepStrictEqual(described(error), described(errors[0]))
})

test('whoever begins to format stacks, or ends, is heard', async () => {
  const original = Object.getOwnPropertyDescriptor(Error, 'prepareStackTrace')
  await reset()
  Error.prepareStackTrace = (error, sites) => `${error.message} from ${sites.length}`
  try {
    for (let i = 0; i < 3; i++) assert.strictEqual((await reset()).stack, 'read ECONNRESET from 1')
    Error.prepareStackTrace = (error) => `Error: ${error.message}\nmine`
    for (let i = 0; i < 3; i++) {
      assert.strictEqual((await reset()).stack, 'Error: read ECONNRESET\nmine')
    }
  } finally {
    if (original) Object.defineProperty(Error, 'prepareStackTrace', original)
    else delete Error.prepareStackTrace
  }
  for (let i = 0; i < 3; i++) assert.match((await reset()).stack, /\n {4}at [^\n]+$/)
})

test('a limit of no frames is kept to, and stays as it was', async () => {
  const limit = Error.stackTraceLimit
  await reset()
  try {
    Error.stackTraceLimit = 0
    assert.strictEqual((await reset()).stack, 'Error: read ECONNRESET')
    assert.strictEqual(Error.stackTraceLimit, 0)
    Error.stackTraceLimit = 7
    await reset()
    assert.strictEqual(Error.stackTraceLimit, 7)
  } finally {
    Error.stackTraceLimit = limit
  }
})
