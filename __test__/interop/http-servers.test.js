'use strict'

// Servers that are not Node's, asked the same by either client. One whose program is not here is skipped.

const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { spawn, execFileSync } = require('node:child_process')
const { createHash } = require('node:crypto')
const { once } = require('node:events')
const { createInterface } = require('node:readline')
const { after, before, describe, test } = require('node:test')
const assert = require('node:assert/strict')
const { BUILT_IN, FERROWIRE, sides } = require('../common/modules')
const { freePort } = require('../common/ports')
const { Recorder } = require('../common/recorder')
const { event, isHere } = require('../common/tools')

const HOST = '127.0.0.1'
const FIXTURES = path.join(__dirname, 'fixtures')
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'servers-'))
after(() => fs.rmSync(folder, { recursive: true, force: true }))

const POST = { method: 'POST' }
const EXPECT = { ...POST, headers: { Expect: '100-continue' } }
const LARGE = Buffer.alloc(300_000, 'x')

// [path, options, body]; a list is a body in pieces.
const COMMON = [
  ['/first'],
  ['/second'],
  ['/large'],
  ['/large', { method: 'HEAD' }],
  ['/chunks'],
  ['/missing'],
  ['/post', POST, 'body'],
  ['/post', POST, ['in', 'pieces']],
  ['/post', POST, LARGE],
  ['/close'],
  ['/last'],
]

const NGINX = `
daemon off;
master_process off;
pid FOLDER/pid;
error_log FOLDER/error.log;
events {}
http {
  access_log off;
  client_body_temp_path FOLDER/body;
  proxy_temp_path FOLDER/proxy;
  fastcgi_temp_path FOLDER/fastcgi;
  uwsgi_temp_path FOLDER/uwsgi;
  scgi_temp_path FOLDER/scgi;
  keepalive_requests 5;
  keepalive_timeout 60s 7s;
  server {
    listen ${HOST}:PORT;
    listen unix:FOLDER/socket;
    root FOLDER;
    location = /hello { return 200 "hello"; }
    location = /away { return 302 /hello; }
    location = /empty { return 204; }
    location = /gone { return 444; }
  }
}
`

async function nginxCommand() {
  const port = await freePort(net)
  fs.writeFileSync(path.join(folder, 'small.txt'), 'small')
  fs.writeFileSync(path.join(folder, 'large.bin'), Buffer.alloc(1_000_000, 'nginx'))
  const time = new Date('2024-01-02T03:04:05Z')
  for (const name of ['small.txt', 'large.bin']) fs.utimesSync(path.join(folder, name), time, time)
  const config = path.join(folder, 'nginx.conf')
  fs.writeFileSync(config, NGINX.replaceAll('FOLDER', folder).replaceAll('PORT', String(port)))
  const command = ['nginx', '-p', folder, '-e', path.join(folder, 'error.log'), '-c', config]
  return { command, port }
}

const MODIFIED = 'Tue, 02 Jan 2024 03:04:05 GMT'

// `tool` tells whether it is here; `start` gives the command, which says its port unless that is known.
const servers = {
  "Python's http.server": {
    tool: ['python3', '--version'],
    start: () => ({ command: ['python3', path.join(FIXTURES, 'http-server.py')] }),
    asks: [...COMMON, ['/old'], ['/after/old']],
  },
  "Go's net/http": {
    tool: ['go', 'version'],
    start() {
      const binary = path.join(folder, 'server')
      execFileSync('go', ['build', '-o', binary, path.join(FIXTURES, 'http-server.go')], {
        env: { ...process.env, GOFLAGS: '', GO111MODULE: 'off' },
      })
      return { command: [binary] }
    },
    asks: [
      ...COMMON,
      ['/post', EXPECT, 'expected'],
      ['/refused', EXPECT, 'refused'],
      ['/hints'],
      ['/upgrade', { headers: { Connection: 'upgrade', Upgrade: 'echo' } }],
      ['/last'],
    ],
  },
  nginx: {
    tool: ['nginx', '-v'],
    start: nginxCommand,
    asks: [
      ['/hello'],
      ['/small.txt'],
      ['/small.txt', { headers: { 'If-Modified-Since': MODIFIED } }],
      ['/small.txt', { method: 'HEAD' }],
      // The fifth request on a connection is its last.
      ['/large.bin'],
      ['/large.bin', { headers: { Range: 'bytes=10-19' } }],
      ['/large.bin', { headers: { Range: 'bytes=0-1,5-6' } }],
      ['/empty'],
      ['/away'],
      ['/missing'],
      ['/hello', POST, LARGE],
      ['/small.txt', POST, 'not allowed'],
      ['/small.txt', EXPECT, 'not allowed'],
      ['/gone'],
      ['/hello'],
    ],
  },
}

async function waitFor(port) {
  for (;;) {
    const socket = net.connect(port, HOST)
    const isOpen = await new Promise((resolve) => {
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    })
    socket.destroy()
    if (isOpen) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

function begin(request, body, log) {
  const parts = Array.isArray(body) ? body : []
  for (const part of parts) request.write(part)
  const end = () => request.end(Array.isArray(body) ? undefined : body)
  if (request.getHeader('expect') === undefined) return end()
  request.on('continue', () => {
    log('continue')
    end()
  })
  // Refused, or answered without having been asked for it.
  request.on('response', () => request.writableEnded || end())
  request.flushHeaders()
}

// How a multipart answer is delimited, nginx draws by lot.
const BOUNDARY = /(boundary=|--)\d{20}/g

// One request after the other on one agent: everything that the client is told.
async function talk(http, target, asks) {
  const recorder = new Recorder()
  const log = recorder.lane('client')
  // A server may answer before it has been sent everything.
  const sent = recorder.lane('sent')
  recorder.rename(target.port, 'port')
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  for (const [place, options, body] of asks) {
    const request = http.request({ ...target, path: place, agent, ...options })
    log('ask', place, options, request.reusedSocket)
    log.watch('request', request, ['information', 'error'])
    sent.watch(`request ${place}`, request, ['finish', 'close'])
    let upgraded = null
    request.on('upgrade', (response, socket, rest) => {
      log('upgrade', response.headers)
      upgraded = event(socket, 'close')
      socket.write('hello')
      socket.on('data', (text) => log('echo', String(text)))
      socket.on('end', () => log('end of the echo', rest.length))
    })
    request.on('response', (response) => {
      const { statusCode, statusMessage, httpVersion, rawHeaders } = response
      const fields = rawHeaders.map((text) => text.replace(BOUNDARY, '$1<boundary>'))
      log(statusCode, statusMessage, httpVersion, fields)
      const parts = []
      response.on('data', (part) => parts.push(part))
      response.on('end', () => {
        const whole = Buffer.concat(parts)
        const text = whole.toString('latin1').replace(BOUNDARY, '$1<boundary>')
        const shown = text.length < 400 ? text : createHash('sha256').update(whole).digest('hex')
        log('end', whole.length, shown, response.complete, response.rawTrailers)
      })
      log.watch('response', response, ['aborted', 'error', 'close'])
    })
    const closed = event(request, 'close')
    begin(request, body, log)
    await closed
    await upgraded
    // The connection is back in the pool by then, or closed.
    for (let i = 0; i < 4; i++) await new Promise((go) => setImmediate(go))
    log('reused', request.reusedSocket)
  }
  agent.destroy()
  return recorder.result()
}

for (const [name, { tool, start, asks }] of Object.entries(servers)) {
  const skip = isHere(tool) ? false : `\`${tool[0]}\` is not on this machine`
  describe(`a client of ${name}`, { skip }, () => {
    let child
    let target

    before(async () => {
      const { command, port } = await start()
      const [file, ...args] = command
      child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] })
      const lines = createInterface({ input: child.stdout })
      target = { host: HOST, port: port ?? Number(await event(lines, 'line')) }
      await waitFor(target.port)
    })

    after(async () => {
      const gone = once(child, 'close')
      child.kill('SIGKILL')
      await gone
    })

    test('hears what the built-in client hears', async () => {
      const expected = await talk(sides[BUILT_IN].http, target, asks)
      const got = await talk(sides[FERROWIRE].http, target, asks)
      assert.deepEqual(got, expected)
      // Not of errors only.
      assert.ok(expected.client.filter(([what]) => what === 200).length >= 5)
    })

    if (name !== 'nginx') return
    test('hears it over a local socket too', async () => {
      const local = { socketPath: path.join(folder, 'socket') }
      const expected = await talk(sides[BUILT_IN].http, local, asks)
      assert.deepEqual(await talk(sides[FERROWIRE].http, local, asks), expected)
    })
  })
}
