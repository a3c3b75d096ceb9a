'use strict'

// The benchmark's load ends with an error when a server answers wrongly: a figure must be one of work that was done.

const assert = require('node:assert')
const { spawnSync, spawn } = require('node:child_process')
const { once } = require('node:events')
const http = require('node:http')
const net = require('node:net')
const { before, test } = require('node:test')
const { LOAD, compile } = require('../bench/programs')
const httpBehaviours = require('../bench/http-behaviours')
const netBehaviours = require('../bench/net-behaviours')

const BLOCK = 64 * 1024
const hasRust = spawnSync('rustc', ['--version']).status === 0

before(() => hasRust && compile([LOAD]))

// What the load says when it meets such a server: its exit status and its words.
async function meet(server, talk, size) {
  // It leaves as soon as it knows.
  server.on('connection', (socket) => socket.on('error', () => {}))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const args = [talk, server.address().port, talk === 'trips' ? 3 : 2, size, 0.02]
  const load = spawn(LOAD, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  // It may have ended before it was asked to begin.
  load.stdin.on('error', () => {})
  load.stdin.write('\n')
  let words = ''
  load.stderr.on('data', (text) => (words += text))
  load.stdout.on('data', (text) => (words += text))
  const [status] = await once(load, 'close')
  server.closeAllConnections?.()
  server.close()
  return { status, words }
}

const wrongByte = (bytes) => {
  const copy = Buffer.from(bytes)
  copy[copy.length - 1] ^= 1
  return copy
}

const corruptEcho = (socket) => socket.on('data', (data) => socket.write(wrongByte(data)))

// Each right answer, and wrong ones of the same talk with what the load must say about them.
const netCases = [
  ['echo', 64, 'echo', [[corruptEcho, /echo is not/]]],
  ['churn', 64, 'echo', [[corruptEcho, /echo is not/]]],
  ['trips', 64, 'echo', [[corruptEcho, /wrong byte|echo is not/]]],
  ['in', 2 * BLOCK, 'in', [[(socket) => socket.end('7'), /answer: 7|Broken pipe|reset/]]],
  [
    'out',
    2 * BLOCK,
    'out',
    [
      [(socket) => socket.end(Buffer.alloc(2 * BLOCK)), /wrong bytes/],
      [(socket) => socket.end(), /were asked for, 0 came/],
    ],
  ],
]

for (const [talk, size, right, wrong] of netCases) {
  test(`${talk}: wrong answers are noticed`, { skip: !hasRust && 'needs rustc' }, async () => {
    const good = await meet(net.createServer(netBehaviours[right]), talk, size)
    assert.equal(good.status, 0, good.words)
    for (const [behaviour, words] of wrong) {
      const bad = await meet(net.createServer(behaviour), talk, size)
      assert.equal(bad.status, 1)
      assert.match(bad.words, words)
    }
  })
}

const wrongHttp = [
  (req, res) => res.end('something else'),
  (req, res) => res.writeHead(500).end(req.url),
  (req, res) => {
    res.write('/hel')
    res.end()
  },
]

for (const talk of ['get', 'json', 'post', 'large', 'pipelined']) {
  test(`${talk}: wrong responses are noticed`, { skip: !hasRust && 'needs rustc' }, async () => {
    const right = httpBehaviours[talk === 'pipelined' ? 'get' : talk]()
    const good = await meet(http.createServer(right), talk, 0)
    assert.equal(good.status, 0, good.words)
    for (const listener of wrongHttp) {
      const bad = await meet(http.createServer(listener), talk, 0)
      assert.equal(bad.status, 1, bad.words)
      assert.match(bad.words, /unexpected|body/)
    }
  })
}
