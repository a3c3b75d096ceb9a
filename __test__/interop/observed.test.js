'use strict'

// What others can see of sockets and servers: diagnostics_channel, NODE_DEBUG, structured clone.

const assert = require('node:assert/strict')
const diagnostics = require('node:diagnostics_channel')
const { once } = require('node:events')
const { MessageChannel, Worker } = require('node:worker_threads')
const { localPath } = require('../common/endpoints')
const { check, scenario } = require('../common/harness')
const { runProgram } = require('../common/programs')
const { closed, event } = require('../common/tools')

function observe(run, log, name, show) {
  const told = (message) => log(name, Object.keys(message), show(message))
  diagnostics.subscribe(name, told)
  run.cleanup(() => diagnostics.unsubscribe(name, told))
}

scenario('diagnostics channels', {}, async (run) => {
  const { server, client } = run
  const seen = new Set()
  const first = (value) => !seen.has(value) && Boolean(seen.add(value))
  observe(run, client.log, 'net.client.socket', ({ socket }) => [
    first(socket),
    socket instanceof client.net.Socket,
    socket.connecting,
  ])
  observe(run, server.log, 'net.server.socket', ({ socket }) => [
    first(socket),
    socket instanceof server.net.Socket,
    socket.server.listening,
  ])
  for (const step of ['start', 'end', 'asyncStart', 'asyncEnd', 'error']) {
    const name = `tracing:net.server.listen:${step}`
    observe(run, server.log, name, ({ server: listener, options, error }) => [
      listener.listening,
      options && Object.keys(options),
      error,
    ])
  }
  const listener = server.net.createServer((peer) => peer.end())
  listener.on('connection', () => server.log('connection'))
  const target = await run.listen(listener)
  const second = server.net.createServer()
  second.listen(target)
  server.log('in use', await event(second, 'error'))
  const socket = client.net.connect(target).resume()
  client.log('returned')
  await closed(socket)
  const refused = client.net.connect(
    run.over === 'tcp' ? { port: await run.freePort() } : { path: run.path() },
  )
  client.log('refused', (await event(refused, 'error')).code)
  await run.close(listener)
})

const script = `
  const { net } = require('ferrowire')
  const server = net.createServer((peer) => peer.end()).listen(0, '127.0.0.1', () => {
    net.connect(server.address().port, '127.0.0.1').resume().on('close', () => server.close())
  })`

check('NODE_DEBUG=ferrowire logs what sockets do', async () => {
  const run = async (NODE_DEBUG) => {
    const env = { ...process.env, NODE_DEBUG }
    const { stderr } = await runProgram(process.execPath, ['-e', script], { env, cwd: __dirname })
    return stderr
  }
  const said = await run('ferrowire')
  for (const words of ['listen on', 'connection', 'server close']) {
    assert.match(said, new RegExp(`^FERROWIRE \\d+: .*${words}`, 'm'))
  }
  assert.equal(await run(''), '')
})

const alive = `
  const net = require('net')
  const path = process.argv[1]
  const server = net.createServer((peer) => {
    const owners = process._getActiveHandles()
    const listed = [local, server, peer, socket].map((one) => owners.includes(one))
    const names = process.getActiveResourcesInfo()
    socket.unref()
    const count = (type) => process.getActiveResourcesInfo().filter((name) => name === type).length
    const wraps = names.includes('PipeWrap') && names.filter((name) => /^TCP/.test(name)).sort()
    console.log(JSON.stringify([listed, wraps, count('TCPSocketWrap')]))
    process.exit()
  })
  let socket
  const local = net.createServer().listen(path, () =>
    server.listen(0, '127.0.0.1', () => (socket = net.connect(server.address().port, '127.0.0.1'))))`

check('under the preload a process knows what keeps it alive', async () => {
  const run = async (...preload) => {
    const argv = [...preload, '-e', alive, localPath()]
    const { stdout } = await runProgram(process.execPath, argv, { cwd: __dirname })
    return stdout
  }
  const expected = await run()
  assert.match(expected, /TCPServerWrap/)
  assert.equal(await run('--require', require.resolve('ferrowire/register')), expected)
})

const REFUSAL = process.version.startsWith('v20.')
  ? { code: 'ERR_INVALID_TRANSFER_OBJECT' }
  : { name: 'DataCloneError' }

// Node moves its own sockets by a mark that nobody else can set.
check('a socket and a server do not move to another thread, and stay as they are', async () => {
  const { net } = require('ferrowire')
  const { port1, port2 } = new MessageChannel()
  const worker = new Worker('require("node:worker_threads").parentPort.on("message", () => {})', {
    eval: true,
  })
  const server = net.createServer((peer) => peer.pipe(peer)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = net.connect(server.address().port, '127.0.0.1')
  await once(socket, 'connect')
  for (const value of [socket, server]) {
    for (const to of [port1, worker]) {
      assert.throws(() => to.postMessage(value, [value]), REFUSAL)
      assert.throws(() => to.postMessage(value), { name: 'DataCloneError' })
    }
  }
  socket.end('still here')
  const [answer] = await once(socket, 'data')
  assert.equal(answer.toString(), 'still here')
  await once(socket, 'close')
  port1.close()
  port2.close()
  await worker.terminate()
  server.close()
  await once(server, 'close')
})
