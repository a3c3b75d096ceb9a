'use strict'

// docs/ipc.md says what goes over a channel, byte by byte: the dumps in it are played against a real
// channel here, in both directions.

const { execFileSync } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const path = require('node:path')
const { describe, test } = require('node:test')

const text = fs.readFileSync(path.join(__dirname, '../../docs/ipc.md'), 'utf8')

// Lines of a dump: `> +fd  7b 22   {"`, two or more spaces before what the bytes say.
function bytesOf(line) {
  const hex = /^(?:[<>] (?:\+fd)?\s*|\s+)((?:[0-9a-f]{2} {1,2})*[0-9a-f]{2})(?: {2,}|$)/.exec(line)
  return Buffer.from((hex?.[1] ?? '').replaceAll(' ', ''), 'hex')
}

function conversation() {
  const start = text.indexOf('One conversation, byte by byte')
  const lines = text.slice(text.indexOf('\n\n', start) + 2).split('\n')
  const writes = []
  for (const line of lines) {
    if (!line.startsWith('    ')) break
    const said = line.slice(4)
    if (/^[<>]/.test(said)) {
      writes.push({ by: said[0], withHandle: said.startsWith('> +fd'), parts: [], notes: [] })
    }
    writes.at(-1).parts.push(bytesOf(said))
    writes.at(-1).notes.push(said.split(/ {4,}/).at(-1))
  }
  return writes.map(({ parts, ...rest }) => ({ ...rest, bytes: Buffer.concat(parts) }))
}

// What a peer without any library sees: it writes down the bytes of each frame, and says what it is
// told to, in hex.
const PEER = `
import array, json, os, socket, sys
channel = socket.socket(fileno=int(os.environ["NODE_CHANNEL_FD"]))
def receive(length):
    data, fds = b"", 0
    while len(data) < length:
        piece, control, flags, address = channel.recvmsg(length - len(data), 1024)
        data += piece
        for level, kind, value in control:
            fds += len(value) // 4
        if not piece:
            break
    print(json.dumps([data.hex(), fds]), flush=True)
for step in json.loads(sys.argv[1]):
    if type(step) is int:
        receive(step)
    else:
        channel.sendall(bytes.fromhex(step))
`

async function play(t, steps, options, act) {
  const { spawn } = require('ferrowire/child_process')
  const stdio = ['ignore', 'pipe', 'inherit', 'ipc']
  const child = spawn('python3', ['-c', PEER, JSON.stringify(steps)], { stdio, ...options })
  t.after(() => child.kill())
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (piece) => (output += piece))
  const ended = once(child.stdout, 'close')
  await act(child)
  await ended
  return output.split('\n').filter(Boolean).map(JSON.parse)
}

// The dump of one message: the code line that begins with these bytes.
function dumpOf(start) {
  const line = text.split('\n').find((line) => line.trimStart().startsWith(start))
  return bytesOf(line.slice(2))
}

const samples = [
  ['json', { a: 'ü' }, '7b 22 61 22 3a 22 c3'],
  ['advanced', { a: 1 }, '00 00 00 0a'],
]

const skip = hasPython() ? false : 'no python3'

function hasPython() {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe('the dumps of docs/ipc.md', { skip }, () => {
  for (const [serialization, message, start] of samples) {
    test(`a frame, ${serialization}`, async (t) => {
      t.plan(2)
      const dump = dumpOf(start)
      const steps = [dump.length, dump.toString('hex')]
      const seen = await play(t, steps, { serialization }, async (child) => {
        child.send(message)
        const [answer] = await once(child, 'message')
        t.assert.deepStrictEqual(answer, message)
      })
      t.assert.deepStrictEqual(seen, [[dump.toString('hex'), 0]])
    })
  }

  test('the child in Python', async (t) => {
    t.plan(2)
    const { spawn } = require('ferrowire/child_process')
    const code = /\n {4}import json, os\n(?: {4}.*\n)+/.exec(text)[0].replaceAll('\n    ', '\n')
    const stdio = ['ignore', 'inherit', 'inherit', 'ipc']
    const child = spawn('python3', ['-c', code], { stdio })
    t.after(() => child.kill())
    const message = { text: 'ü☃', list: [1, null, true] }
    child.send(message)
    t.assert.deepStrictEqual((await once(child, 'message'))[0], { seen: message })
    child.disconnect()
    t.assert.deepStrictEqual(await once(child, 'exit'), [0, null])
  })

  test('the conversation', async (t) => {
    const writes = conversation()
    const said = writes.filter(({ bytes }) => bytes.length > 0)
    t.assert.deepStrictEqual(
      writes.map(({ by, withHandle }) => by + (withHandle ? ' +fd' : '')),
      ['>', '<', '> +fd', '<', '>'],
    )
    // The words beside the bytes are the same bytes.
    for (const { bytes, notes } of said) t.assert.strictEqual(`${notes.join('')}\n`, String(bytes))

    const net = require('ferrowire/net')
    const server = net.createServer({ pauseOnConnect: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const client = net.connect(server.address().port, '127.0.0.1').resume()
    const gone = once(client, 'close')
    const [socket] = await once(server, 'connection')
    // The dump has a socket that no server counts.
    socket.server = null

    const steps = said.map(({ by, bytes }) => (by === '>' ? bytes.length : bytes.toString('hex')))
    const seen = await play(t, [...steps, 1], {}, async (child) => {
      child.send({ n: 1 })
      const [answer] = await once(child, 'message')
      t.assert.deepStrictEqual(answer, { n: 2 })
      child.send('hi', socket)
      child.disconnect()
    })
    const fromParent = said.filter(({ by }) => by === '>')
    t.assert.deepStrictEqual(seen, [
      ...fromParent.map(({ bytes, withHandle }) => [bytes.toString('hex'), Number(withHandle)]),
      // The end of the stream.
      ['', 0],
    ])
    await gone
    server.close()
  })
})
