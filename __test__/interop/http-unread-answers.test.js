'use strict'

// What has come on a pooled connection and was not read yet, because the loop was busy: the next request must neither take it
// for its answer nor be sent into the end of the connection. Node looks for it since 24.22; Ferrowire does on every Node.

const assert = require('node:assert/strict')
const path = require('node:path')
const { fork } = require('node:child_process')
const { once } = require('node:events')
const { test } = require('node:test')
const http = require('ferrowire/http')

const SERVER = path.join(__dirname, 'fixtures/speaks-again.js')

// Keeps the loop from reading anything.
function block(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

async function serve(t, kind) {
  const child = fork(SERVER, [kind])
  t.after(() => child.kill())
  const [port] = await once(child, 'message')
  return port
}

async function ask(agent, port, url = '/') {
  const request = http.get({ agent, port, host: '127.0.0.1', path: url })
  const [response] = await once(request, 'response')
  let body = ''
  for await (const text of response.setEncoding('latin1')) body += text
  // Into the pool.
  await new Promise(setImmediate)
  return { body, reused: request.reusedSocket }
}

for (const kind of ['answer', 'end', 'reset']) {
  test(`${kind} on a pooled connection that nobody has read`, { timeout: 20000 }, async (t) => {
    const port = await serve(t, kind)
    const agent = new http.Agent({ keepAlive: true })
    t.after(() => agent.destroy())
    const before = await ask(agent, port, '/first')
    block(200)
    assert.deepEqual(
      [before, await ask(agent, port)],
      [
        { body: 'first', reused: false },
        { body: 'other', reused: false },
      ],
    )
  })

  test(`${kind} on a connection that somebody waits for`, { timeout: 20000 }, async (t) => {
    const port = await serve(t, kind)
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    const request = http.get({ agent, port, host: '127.0.0.1', path: '/first' })
    const queued = ask(agent, port)
    const [response] = await once(request, 'response')
    response.on('end', () => block(200)).resume()
    assert.deepEqual(await queued, { body: 'other', reused: false })
  })
}

// Both connections are ready in one turn. The listener of the first answer sends a request, when what came on the other
// connection has left the kernel and not reached anybody.
test('an answer nobody asked for, read together with another', { timeout: 20000 }, async (t) => {
  const port = await serve(t, 'answer')
  const agent = new http.Agent({ keepAlive: true })
  t.after(() => agent.destroy())
  const late = http.get({ agent, port, host: '127.0.0.1', path: '/late' })
  const answered = once(late, 'response')
  assert.deepEqual(await ask(agent, port, '/first'), { body: 'first', reused: false })
  block(200)
  const [response] = await answered
  const next = new Promise((resolve) => response.on('end', () => resolve(ask(agent, port))))
  response.resume()
  assert.deepEqual(await next, { body: 'other', reused: false })
})
