'use strict'

// Ways in which programs come to load the package: twice, in a REPL, with flags, beside other loaders.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { spawn } = require('node:child_process')
const { once } = require('node:events')
const { text } = require('node:stream/consumers')
const { test } = require('node:test')
const { isNodeFrom } = require('../common/node-version')

const REGISTER = require.resolve('ferrowire/register')
const SOURCES = path.dirname(REGISTER)

// A conversation over HTTP, whose outcome is printed.
const TALK = `
require('http').createServer((req, res) => res.end('text')).listen(0, '127.0.0.1', function () {
  require('http').get({ port: this.address().port, agent: false }, (res) => {
    res.on('data', (data) => console.log('got ' + data));
    this.close()
  })
})`

async function run(args, input = '') {
  const child = spawn(process.execPath, args, { timeout: 10000 })
  const texts = ['', '']
  child.stdout.setEncoding('utf8').on('data', (text) => (texts[0] += text))
  child.stderr.setEncoding('utf8').on('data', (text) => (texts[1] += text))
  // An open input keeps a REPL alive until it has answered.
  child.stdin.write(input)
  child.stdout.on('data', () => texts[0].includes('got text') && child.stdin.end())
  if (input === '') child.stdin.end()
  const [code] = await once(child, 'close')
  return { code, out: texts[0], err: texts[1] }
}

const preloaded = (...args) => run(['--require', REGISTER, ...args])

test('JavaScript that is loaded again shares the engine', { timeout: 20000 }, async () => {
  const first = require('ferrowire/http')
  const loaded = Object.keys(require.cache).filter((file) => !file.endsWith('.node'))
  const before = loaded.map((file) => [file, require.cache[file]])
  for (const file of loaded) delete require.cache[file]
  const second = require('ferrowire/http')
  for (const [file, module] of before) require.cache[file] = module
  assert.notEqual(first, second)

  // Several answers of each kind, so that their heads are kept.
  const answer = (name) => (req, res) => {
    res.setHeader('x-load', name)
    res.end(name)
  }
  const servers = [first.createServer(answer('first')), second.createServer(answer('second'))]
  const agents = [new first.Agent({ keepAlive: true }), new second.Agent({ keepAlive: true })]
  const seen = []
  for (const server of servers) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
  }
  for (let round = 0; round < 4; round++) {
    for (const [i, http] of [first, second].entries()) {
      for (const server of servers) {
        const request = http.get({ port: server.address().port, agent: agents[i] })
        const [response] = await once(request, 'response')
        let body = ''
        for await (const text of response.setEncoding('latin1')) body += text
        seen.push(`${response.headers['x-load']} ${body}`)
      }
    }
  }
  for (const agent of agents) agent.destroy()
  for (const server of servers) server.close()
  assert.deepEqual(new Set(seen), new Set(['first first', 'second second']))
  assert.equal(seen.filter((text) => text === 'first first').length, 8)
})

test('two copies of the package, both preloaded', { timeout: 20000 }, async (t) => {
  const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrowire-'))
  t.after(() => fs.rmSync(copy, { recursive: true }))
  fs.cpSync(SOURCES, copy, { recursive: true })
  const { code, out, err } = await preloaded(
    '--require',
    path.join(copy, 'register.js'),
    '-e',
    TALK,
  )
  assert.deepEqual([code, out.trim(), err], [0, 'got text', ''])
})

test('in a REPL', { timeout: 20000 }, async () => {
  const { code, out } = await run(['--require', REGISTER, '-i'], `${TALK.replaceAll('\n', ' ')}\n`)
  assert.match(out, /got text/)
  assert.equal(code, 0)
})

test('domains, with a module of that name in the global object', { timeout: 20000 }, async () => {
  const script = `globalThis.domain = require('domain'); domain.create().run(() => { ${TALK} })`
  const { code, out, err } = await preloaded('-e', script)
  assert.deepEqual([code, out.trim(), err], [0, 'got text', ''])
})

test('pending deprecations', { timeout: 20000 }, async () => {
  const { code, out, err } = await preloaded('--pending-deprecation', '-e', TALK)
  assert.deepEqual([code, out.trim(), err], [0, 'got text', ''])
})

test('without addons the preload leaves Node as it is', { timeout: 20000 }, async () => {
  const { code, out, err } = await preloaded('--no-addons', '-e', TALK)
  assert.deepEqual([code, out.trim(), err], [0, 'got text', ''])
})

// A child whose copy of the package was installed for another system, say.
test(
  'a child that cannot load the addon says so and talks by other means',
  { timeout: 20000 },
  async (t) => {
    const copy = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrowire-'))
    t.after(() => fs.rmSync(copy, { recursive: true }))
    const filter = (file) => !file.endsWith('.node')
    fs.cpSync(SOURCES, copy, { recursive: true, filter })
    const script = `process.on('message', (message) => process.send({ message }, () => process.disconnect()))`
    const child = spawn(
      process.execPath,
      ['--require', path.join(copy, 'child-preload.js'), '-e', script],
      {
        stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
        env: {
          ...process.env,
          FERROWIRE_CHANNEL_FD: '3',
          FERROWIRE_CHANNEL_SERIALIZATION_MODE: 'json',
        },
        timeout: 10000,
      },
    )
    const [, , stderr, channel] = child.stdio
    channel.write('"hi"\n')
    const [said, answer, [code]] = await Promise.all([
      text(stderr),
      text(channel),
      once(child, 'close'),
    ])
    assert.match(said, /Error: no binary of ferrowire can be loaded for .* \(there is none\): run/)
    assert.deepEqual([code, answer], [0, '{"message":"hi"}\n'])
  },
)

test(
  "Node's own sockets and servers are instances under the preload",
  { timeout: 20000 },
  async () => {
    const script = `
    const net = require('net'), tls = require('tls'), { PassThrough } = require('stream')
    class Mine extends net.Socket {}
    const socket = new tls.TLSSocket(new PassThrough())
    console.log(socket instanceof net.Socket, tls.createServer() instanceof net.Server,
      new net.Socket() instanceof net.Socket, new Mine() instanceof Mine,
      socket instanceof Mine, new net.Socket() instanceof Mine, {} instanceof net.Server)`
    const { out } = await preloaded('-e', script)
    assert.equal(out.trim(), 'true true true true false false false')
  },
)

const hooks = {
  skip: !isNodeFrom(24) && 'hooks of this Node do not see those of other loaders',
  timeout: 20000,
}

test('other loaders see what is imported', hooks, async (t) => {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrowire-'))
  t.after(() => fs.rmSync(folder, { recursive: true }))
  const loader = `export async function resolve(specifier, context, next) {
    const found = await next(specifier, context)
    return specifier === 'node:http' ? { ...found, url: 'data:text/javascript,export default 7' } : found
  }`
  const main = path.join(folder, 'main.mjs')
  fs.writeFileSync(
    main,
    `import { register } from 'node:module'
    register('data:text/javascript,' + encodeURIComponent(${JSON.stringify(loader)}))
    const { default: wrapped } = await import('node:http')
    const { default: net } = await import('node:net')
    console.log(wrapped, net.Socket !== process.getBuiltinModule('net').Socket)`,
  )
  // Node 26 calls register() deprecated.
  const { out, err } = await preloaded('--no-warnings', main)
  assert.deepEqual([out.trim(), err], ['7 true', ''])
})
