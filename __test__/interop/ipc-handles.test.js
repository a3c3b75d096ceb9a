'use strict'

// Handles over the fork channel: parents and children from { ferrowire, built-in }, with sockets of
// either module, do the same things, and what both sides and the connections themselves saw must
// equal built-in with built-in.

const fs = require('node:fs')
const path = require('node:path')
const { once } = require('node:events')
const { describe, test } = require('node:test')
const { setTimeout } = require('node:timers/promises')
const { BUILT_IN, FERROWIRE } = require('../common/modules')
const { isNodeFrom } = require('../common/node-version')
const { runProgram } = require('../common/programs')

const ENTRY = path.join(__dirname, 'fixtures/handles-parent.js')
const LIMIT = Number(process.env.INTEROP_TIMEOUT) || 15_000

const scenarios = [
  'tcp-sockets',
  'local-sockets',
  'sockets-to-parent',
  'more-to-parent',
  'server',
  'order',
  'keep-open',
  'twice',
  'counts',
  'datagrams',
  'raw-handles',
  'behind-a-queue',
  // Node 24.22 sends them.
  ...(isNodeFrom('24.22') ? ['bound-sockets'] : []),
]

// Parent, child, and whose sockets. INTEROP=built-in as in common/harness.js.
const reference = [[BUILT_IN, BUILT_IN, BUILT_IN]]
const others = [
  [FERROWIRE, FERROWIRE, 'own'],
  [FERROWIRE, FERROWIRE, BUILT_IN],
  [FERROWIRE, BUILT_IN, 'own'],
  [BUILT_IN, FERROWIRE, 'own'],
]
const pairs = process.env.INTEROP === BUILT_IN ? reference : others

async function play(parent, child, scenario, serialization, net) {
  const args = [ENTRY, parent, child, scenario, serialization, net]
  const { stdout } = await runProgram(process.execPath, args, { timeout: LIMIT })
  return JSON.parse(stdout)
}

describe('handles over the fork channel', { concurrency: 2 }, () => {
  for (const scenario of scenarios) {
    const serializations = scenario === 'order' ? ['json', 'advanced'] : ['json']
    for (const serialization of serializations) {
      let expected
      for (const [parent, child, net] of pairs) {
        const title = `${scenario}, ${serialization}: ${parent} parent, ${child} child, ${net} sockets`
        test(title, async (t) => {
          t.plan(1)
          expected ??= play(BUILT_IN, BUILT_IN, scenario, serialization, BUILT_IN)
          const seen = await play(parent, child, scenario, serialization, net)
          t.assert.deepStrictEqual(seen, await expected)
        })
      }
    }
  }
})

// A peer that does what Node never does.
const here = { skip: process.env.INTEROP === BUILT_IN || !fs.existsSync('/proc/self/fd') }

const descriptors = () => fs.readdirSync('/proc/self/fd').length

// What the first use of the engine opens stays.
async function descriptorsAtRest() {
  const { spawn } = require('ferrowire/child_process')
  const net = require('ferrowire/net')
  const server = net.createServer().listen(0, '127.0.0.1')
  const child = spawn('true', { stdio: ['ignore', 'ignore', 'ignore', 'ipc'] })
  await once(child, 'close')
  server.close()
  await once(server, 'close')
  return descriptors()
}

async function fallsTo(count) {
  for (let left = 50; left > 0 && descriptors() > count; left--) await setTimeout(20)
  return descriptors() <= count
}

const PYTHON = `
import array, json, os, socket, sys
channel = socket.socket(fileno=int(os.environ["NODE_CHANNEL_FD"]))
reader = channel.makefile("rb")
def send(text, *fds):
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
    channel.sendmsg([text.encode()], rights)
def receive():
    return json.loads(reader.readline())
one, other = socket.socketpair()
`

function python(t, code) {
  const { spawn } = require('ferrowire/child_process')
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc']
  const child = spawn('python3', ['-c', PYTHON + code], { stdio })
  t.after(() => child.kill('SIGKILL'))
  return child
}

describe('descriptors over the fork channel', here, () => {
  test('one that is not announced is closed', async (t) => {
    t.plan(3)
    const child = python(
      t,
      `
receive()
send('"first"\\n', one.fileno(), other.fileno())
receive()
send('"split', one.fileno())
send(' line"\\n"whole"\\n')
receive()
`,
    )
    const before = descriptors()
    const seen = []
    for (let i = 0; i < 2; i++) {
      child.send('go')
      seen.push((await once(child, 'message'))[0])
    }
    seen.push((await once(child, 'message'))[0])
    t.assert.deepStrictEqual(seen, ['first', 'split line', 'whole'])
    t.assert.ok(await fallsTo(before))
    child.send('end')
    t.assert.deepStrictEqual(await once(child, 'exit'), [0, null])
  })

  test('however many come, none stays open', async (t) => {
    t.plan(4)
    const before = await descriptorsAtRest()
    const child = python(
      t,
      `
receive()
for i in range(300):
    send('%d\\n' % i, one.fileno())
receive()
for i in range(150):
    send('"never finished', one.fileno(), other.fileno())
`,
    )
    let next = 0
    let inOrder = true
    child.on('message', (message) => {
      inOrder &&= message === next++
      if (next === 300) child.send('go on')
    })
    child.send('go')
    const ends = []
    child.on('disconnect', () => ends.push('disconnect'))
    child.on('exit', () => ends.push('exit'))
    await once(child, 'close')
    t.assert.ok(inOrder)
    t.assert.strictEqual(next, 300)
    t.assert.deepStrictEqual(ends.toSorted(), ['disconnect', 'exit'])
    t.assert.ok(await fallsTo(before))
  })

  test('of a peer that dies before it has taken them, none stays open', async (t) => {
    t.plan(3)
    const net = require('ferrowire/net')
    const before = await descriptorsAtRest()
    const server = net.createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const child = python(t, `import time\nsend('"ready"\\n')\ntime.sleep(60)\n`)
    await once(child, 'message')
    const callbacks = []
    const sockets = []
    for (let i = 0; i < 4; i++) {
      const client = net.connect(server.address().port, '127.0.0.1').resume()
      client.on('error', () => {})
      const [socket] = await once(server, 'connection')
      socket.on('error', () => {})
      sockets.push(socket)
      // The first waits for its answer, the others behind it, or for room.
      child.send({ i, filler: 'x'.repeat(i << 20) }, socket, { keepOpen: i % 2 === 0 }, (error) =>
        callbacks.push([i, error]),
      )
      if (i % 2 === 0) socket.destroy()
    }
    const ends = []
    child.on('disconnect', () => ends.push('disconnect'))
    child.on('exit', () => ends.push('exit'))
    child.kill('SIGKILL')
    await once(child, 'close')
    server.close()
    // What never left is still this process's own.
    for (const socket of sockets) socket.destroy()
    t.assert.deepStrictEqual(ends.toSorted(), ['disconnect', 'exit'])
    // Its tick follows that of 'disconnect', which may be the last thing that was told.
    for (let i = 0; i < 100 && callbacks.length === 0; i++) await setTimeout(1)
    // As in Node: what waited for an answer is not told of.
    t.assert.deepStrictEqual(callbacks, [[0, null]])
    t.assert.ok(await fallsTo(before))
  })

  test('flush() waits for the answer to a handle, and for what waits behind it', async (t) => {
    t.plan(4)
    const net = require('ferrowire/net')
    const { spawn } = require('ferrowire/child_process')
    const stdio = ['pipe', 'pipe', 'inherit', 'ipc']
    const code = `
sys.stdout.write(receive()["cmd"]); sys.stdout.flush()
sys.stdin.read(1)
send('{"cmd":"NODE_HANDLE_ACK"}\\n')
sys.stdout.write(receive()); sys.stdout.flush()
`
    const child = spawn('python3', ['-c', PYTHON + code], { stdio })
    t.after(() => child.kill('SIGKILL'))
    const exited = once(child, 'exit')
    const server = net.createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    child.send('a server', server)
    child.send('behind it')
    let isFlushed = false
    const flushed = child.channel.flush().then(() => (isFlushed = true))
    const [first] = await once(child.stdout, 'data')
    t.assert.strictEqual(String(first), 'NODE_HANDLE')
    t.assert.strictEqual(isFlushed, false)
    child.stdin.write('!')
    await flushed
    const [second] = await once(child.stdout, 'data')
    t.assert.strictEqual(String(second), 'behind it')
    t.assert.strictEqual(child.writableLength, 0)
    server.close()
    await exited
  })

  test('each goes to the message that announces it', async (t) => {
    t.plan(3)
    const child = python(
      t,
      `
receive()
send('"no handle"\\n', one.fileno())
send('{"cmd":"NODE_HANDLE","type":"net.Socket","msg":"one"}\\n', one.fileno())
send('{"cmd":"NODE_HANDLE","type":"net.Socket",', other.fileno())
send('"msg":"two"}\\n')
answers = [receive()["cmd"] for _ in range(2)]
print(json.dumps(answers))
`,
    )
    const got = []
    child.on('message', (message, socket) => got.push([message, socket?.constructor.name, socket]))
    child.send('go')
    await once(child, 'exit')
    const [first, second, third] = got
    t.assert.strictEqual(first[1], undefined)
    t.assert.deepStrictEqual(
      [second.slice(0, 2), third.slice(0, 2)],
      [
        ['one', 'Socket'],
        ['two', 'Socket'],
      ],
    )
    second[2].end('through the pair')
    const [bytes] = await once(third[2], 'data')
    t.assert.strictEqual(String(bytes), 'through the pair')
    third[2].destroy()
  })

  test('one that never arrives is sent four times, then given up with a warning', async (t) => {
    t.plan(4)
    const net = require('ferrowire/net')
    const child = python(
      t,
      `
seen = []
while True:
    frame = receive()
    seen.append(frame if type(frame) is str else frame["cmd"])
    if frame == "end":
        break
    send('{"cmd":"NODE_HANDLE_NACK"}\\n')
send(json.dumps(seen) + '\\n')
`,
    )
    const server = net.createServer({ pauseOnConnect: true })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = net.connect(server.address().port, '127.0.0.1').resume()
    const closed = once(client, 'close')
    const [socket] = await once(server, 'connection')
    const handle = socket._handle
    child.send('lost', socket)
    child.send('end')
    const [warning] = await once(process, 'warning')
    t.assert.strictEqual(warning.name, 'SentHandleNotReceivedWarning')
    const [seen] = await once(child, 'message')
    t.assert.deepStrictEqual(seen, [...Array(4).fill('NODE_HANDLE'), 'end'])
    t.assert.strictEqual(handle.fd, -1)
    await closed
    t.assert.strictEqual(server._connections, 0)
    server.close()
  })

  test('a frame without its descriptor, or of an unknown type, is answered as not arrived', async (t) => {
    t.plan(2)
    const child = python(
      t,
      `
receive()
answers = []
def attempt(kind, *fds):
    send('{"cmd":"NODE_HANDLE","type":"net.%s","msg":"x"}\\n' % kind, *fds)
    answers.append(receive()["cmd"])
attempt("Socket")
attempt("Nonsense", one.fileno())
attempt("Socket", os.open("/dev/null", os.O_RDONLY))
send(json.dumps(answers) + '\\n')
receive()
`,
    )
    const before = descriptors()
    child.send('go')
    const [answers] = await once(child, 'message')
    t.assert.deepStrictEqual(answers, Array(3).fill('NODE_HANDLE_NACK'))
    t.assert.ok(await fallsTo(before))
    child.send('end')
    await once(child, 'exit')
  })
})
