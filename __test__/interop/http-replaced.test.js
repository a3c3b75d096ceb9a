'use strict'

// Who replaces a method of a message, or of its class, when the message is there already (tracing tools do), sees it called as
// often as on node:http: no shorter way around it is taken.

const assert = require('node:assert/strict')
const builtIn = require('node:http')
const { once } = require('node:events')
const { test } = require('node:test')
const ferrowire = require('ferrowire/http')

const { IncomingMessage, ServerResponse } = builtIn

const RESPONSE = [
  'assignSocket',
  'detachSocket',
  'emit',
  'end',
  'setHeader',
  'writeHead',
  '_finish',
]
const REQUEST = ['_destroy', '_dump', 'destroy', 'emit', 'read', 'resume']

const TARGETS = {
  'a response': ({ res }) => [res, RESPONSE],
  'the class of responses': () => [ServerResponse.prototype, RESPONSE],
  'a request': ({ req }) => [req, REQUEST],
  'the class of requests': () => [IncomingMessage.prototype, REQUEST],
}

const HANDLERS = {
  'end(text)': (res) => res.end('text'),
  'setHeader, end()': (res) => res.setHeader('x-name', 'value').end(),
  'writeHead, end(bytes)': (res) =>
    res.writeHead(201, { 'x-name': 'value' }).end(Buffer.from('bytes')),
  'end, later': (res) => setImmediate(() => res.end('text')),
}

// Puts a function that takes note of its calls in place of a method; gives what puts it back.
function replace(object, name, calls) {
  const own = Object.getOwnPropertyDescriptor(object, name)
  const before = object[name]
  object[name] = function (...args) {
    calls.push(name === 'emit' ? `${name} ${String(args[0])}` : name)
    return Reflect.apply(before, this, args)
  }
  return () => {
    if (own) Object.defineProperty(object, name, own)
    else delete object[name]
  }
}

async function callsOf(http, name, target, handler) {
  const calls = []
  const restore = []
  const server = http.createServer((req, res) => {
    const [object, names] = target({ req, res })
    if (names.includes(name)) restore.push(replace(object, name, calls))
    handler(res)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const request = builtIn.get({ port: server.address().port, host: '127.0.0.1' })
  const [response] = await once(request, 'response')
  await once(response.resume(), 'end')
  await new Promise((resolve) => {
    server.close(resolve)
    server.closeAllConnections()
  })
  for (const back of restore) back()
  return calls
}

const skip = process.env.FERROWIRE_POISON ? 'the reference is poisoned' : false

for (const [of, target] of Object.entries(TARGETS)) {
  test(`methods of ${of}`, { skip }, async () => {
    const [, names] = target({})
    for (const name of names) {
      for (const [title, handler] of Object.entries(HANDLERS)) {
        const expected = await callsOf(builtIn, name, target, handler)
        const calls = await callsOf(ferrowire, name, target, handler)
        assert.deepEqual(calls, expected, `${name} of ${of}: ${title}`)
      }
    }
  })
}
