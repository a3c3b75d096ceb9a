'use strict'

// The fork channel: parents and children from { ferrowire, built-in } and a child in Python hold the
// same conversations, each in two real processes, and the logs of both sides must equal those of
// built-in with built-in. INTEROP=built-in and FERROWIRE_POISON=1 as in common/harness.js.

const path = require('node:path')
const { execFileSync } = require('node:child_process')
const { once } = require('node:events')
const { describe, test } = require('node:test')
const { BUILT_IN, FERROWIRE } = require('../common/modules')
const { runProgram } = require('../common/programs')

const PYTHON = 'python'
const ENTRY = path.join(__dirname, 'fixtures/ipc-parent.js')
const POISON = path.join(__dirname, '../common/poison.js')
const LIMIT = Number(process.env.INTEROP_TIMEOUT) || 15_000

const both = ['json', 'advanced']
// `raw`: the child writes bytes of its own, which are lines. `logs`: what Node does not do itself.
const scenarios = {
  'ping-pong': { python: true },
  'child-disconnects': { serializations: both, python: true },
  'exit-with-pending': { serializations: both, python: true },
  'exit-handler': { serializations: both },
  'kills-itself': { serializations: both },
  'getter-sends': { serializations: both },
  'lines-together': { python: true, parent: linesTogether },
  'line-cut-off': {},
  'split-frames': {},
  echo: { serializations: both, python: both },
  big: { serializations: both, python: both },
  many: { serializations: both, python: true },
  'internal-messages': {},
  'late-listener': {},
  'lives-by-listeners': {},
  'nobody-listens': {},
  'explicit-ref': {},
  'tick-order': { serializations: both },
  'throwing-listener': {},
  'disconnect-in-message': {},
  'send-misuse': {},
  'send-after-disconnect': {},
  'slow-reader': { serializations: both },
  'dies-unread': {},
  killed: {},
  'no-such-program': {},
  environment: { serializations: both },
  garbage: { serializations: both },
  'garbage-to-child': { serializations: both },
  unsendable: { serializations: both },
  'parent-lets-go': {},
  'only-disconnect': {},
  'listeners-removed': {},
  'ref-again': {},
}

// An unreadable line in the middle of a read: Node loses what follows it in that read, we do not.
function linesTogether(log) {
  const first = log.findIndex(([event]) => event === 'message') + 1
  const end = ['uncaught', 'SyntaxError', 'Unexpected end of JSON input']
  const messages = [
    ['message', { b: 2 }],
    ['message', 3],
  ]
  return [log[0], end, ...log.slice(1, first), ...messages, ...log.slice(first)]
}

// A child's exit is told by a signal, and may overtake what its channel still holds, in Node too.
function exitLast(log) {
  const isEnd = ([event]) => event === 'exit' || event === 'close'
  return [...log.filter((entry) => !isEnd(entry)), ...log.filter(isEnd)]
}

const hasPython = (() => {
  try {
    return execFileSync('python3', ['-c', 'print(1)'], { stdio: 'pipe' }).length > 0
  } catch {
    return false
  }
})()

async function play(parent, child, scenario, serialization, execArgv = []) {
  const args = [...execArgv, ENTRY, parent, child, scenario, serialization]
  const { stdout } = await runProgram(process.execPath, args, { timeout: LIMIT })
  return JSON.parse(stdout)
}

function pairs(withPython) {
  const childs = withPython ? [PYTHON] : [FERROWIRE, BUILT_IN]
  if (process.env.INTEROP === BUILT_IN) return [[BUILT_IN, childs.at(-1)]]
  if (process.env.FERROWIRE_POISON) return [[FERROWIRE, childs[0]]]
  return withPython
    ? [[FERROWIRE, PYTHON]]
    : [
        [FERROWIRE, FERROWIRE],
        [FERROWIRE, BUILT_IN],
        [BUILT_IN, FERROWIRE],
      ]
}

function register(name, options, serialization, withPython) {
  // A plain Node child and a Python child may do as much as each other, but not say so in one way.
  let reference
  for (const [parent, child] of pairs(withPython)) {
    const title = `${name}, ${serialization}: ${parent} parent, ${child} child`
    const skip = withPython && !hasPython ? 'no python3' : false
    test(title, { skip }, async (t) => {
      t.plan(3)
      reference ??= play(BUILT_IN, withPython ? PYTHON : BUILT_IN, name, serialization)
      const poison = process.env.FERROWIRE_POISON ? ['--require', POISON] : []
      const [seen, expected] = await Promise.all([
        play(parent, child, name, serialization, poison),
        reference,
      ])
      const parentLog = parent === FERROWIRE ? options.parent?.(expected.parent) : undefined
      t.assert.strictEqual(seen.end, expected.end && child)
      t.assert.deepStrictEqual(exitLast(seen.parent), exitLast(parentLog ?? expected.parent))
      t.assert.deepStrictEqual(seen.child, expected.child)
    })
  }
}

describe('fork channel', { concurrency: 2 }, () => {
  for (const [name, options] of Object.entries(scenarios)) {
    const { serializations = ['json'], python } = options
    for (const serialization of serializations) register(name, options, serialization, false)
    for (const serialization of python === true ? ['json'] : (python ?? [])) {
      register(name, options, serialization, true)
    }
  }
})

// What Node cannot be compared with.
const here = { skip: process.env.INTEROP === BUILT_IN }

function startHere(code, options) {
  const { spawn } = require('ferrowire/child_process')
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc']
  return spawn(process.execPath, ['-e', code], { stdio, ...options })
}

// Unlike once(), not ended by an 'error'.
const closed = (child) => new Promise((resolve) => child.once('close', (...args) => resolve(args)))

describe('fork channel, beyond node', here, () => {
  test('disconnect() after a message that the kernel cannot take at once loses nothing', async (t) => {
    t.plan(2)
    const child = startHere(`
      let seen = 0
      process.on('message', (text) => (seen = text.length))
      process.on('disconnect', () => process.exit(seen === 8388608 ? 21 : 1))`)
    t.assert.strictEqual(child.send('x'.repeat(8 * 1024 * 1024)), false)
    child.disconnect()
    const [code] = await once(child, 'exit')
    t.assert.strictEqual(code, 21)
  })

  test('back-pressure can be waited for, on both sides', async (t) => {
    t.plan(7)
    const child = startHere(`
      process.on('message', async () => {
        const accepted = process.send('y'.repeat(4 << 20))
        const seen = [accepted, process.writableNeedDrain, process.writableLength > 1 << 20]
        process.once('drain', () => process.send([...seen, process.writableNeedDrain, process.writableLength]))
      })`)
    let drains = 0
    child.on('drain', () => drains++)
    t.assert.strictEqual(child.writableLength, 0)
    t.assert.strictEqual(child.send('x'.repeat(4 << 20)), false)
    t.assert.ok(child.writableNeedDrain && child.writableLength > 1 << 20)
    await child.channel.flush()
    t.assert.deepStrictEqual([child.writableLength, child.writableNeedDrain], [0, false])
    const [text] = await once(child, 'message')
    t.assert.strictEqual(text.length, 4 << 20)
    t.assert.deepStrictEqual((await once(child, 'message'))[0], [false, true, true, false, 0])
    t.assert.strictEqual(drains, 1)
    child.disconnect()
    await once(child, 'exit')
  })

  test('flush() of a channel that ends is refused', async (t) => {
    t.plan(1)
    const child = startHere('setInterval(() => {}, 1000)')
    child.send('x'.repeat(4 << 20))
    const flushed = child.channel.flush()
    child.kill('SIGKILL')
    await t.assert.rejects(flushed, { code: 'ERR_IPC_CHANNEL_CLOSED' })
  })

  test('process.exit() right after send() loses nothing', async (t) => {
    t.plan(2)
    const child = startHere(`
      for (let i = 0; i < 8; i++) process.send(String(i).repeat(1 << 20))
      process.exit(3)`)
    let seen = ''
    child.on('message', (text) => text.length === 1 << 20 && (seen += text[0]))
    const [code] = await once(child, 'close')
    t.assert.strictEqual(code, 3)
    t.assert.strictEqual(seen, '01234567')
  })

  test('a peer that does not read keeps an exit waiting for two seconds', async (t) => {
    t.plan(1)
    const child = startHere(
      `
      process.send('x'.repeat(8 << 20))
      const start = performance.now()
      process.on('exit', () => console.log(performance.now() - start))
      process.exit()`,
      { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] },
    )
    child.channel.unref()
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 4000)
    const [output] = await once(child.stdout, 'data')
    const spent = Number(String(output))
    t.assert.ok(spent > 1900 && spent < 3000, String(spent))
    child.on('message', () => {})
  })

  test('a message over the limit is an error, and the end of the channel', async (t) => {
    t.plan(4)
    const { spawn } = require('ferrowire/child_process')
    const options = { stdio: ['ignore', 'inherit', 'ignore', 'ipc'], maxMessageLength: 64 << 20 }
    t.assert.throws(() => spawn('x', [], { ...options, maxMessageLength: 5 }), {
      code: 'ERR_OUT_OF_RANGE',
    })
    const child = spawn('/bin/sh', ['-c', 'head -c 68157440 /dev/zero >&3; sleep 5'], options)
    t.assert.strictEqual(child.channel.maxMessageLength, 64 << 20)
    const ended = new Promise((resolve) => child.once('disconnect', resolve))
    const error = await new Promise((resolve) => child.once('error', resolve))
    t.assert.deepStrictEqual([error.code, error.syscall], ['EMSGSIZE', 'read'])
    await ended
    t.assert.strictEqual(child.connected, false)
    child.kill()
  })

  for (const serialization of both) {
    test(`over the limit of the child it ends there too, ${serialization}`, async (t) => {
      t.plan(3)
      const child = startHere(
        `
        const say = (...words) => require('node:fs').writeSync(1, words.join(' ') + ', ')
        process.on('message', () => say('a message'))
        process.on('error', ({ code, syscall }) => say(code, syscall))
        process.on('disconnect', () => say('disconnect', process.connected, process.channel))`,
        { stdio: ['ignore', 'pipe', 'inherit', 'ipc'], maxMessageLength: 64 << 20, serialization },
      )
      const log = []
      for (const event of ['disconnect', 'exit', 'error']) child.on(event, () => log.push(event))
      let output = ''
      child.stdout.on('data', (text) => (output += text))
      child.send('x'.repeat(64 << 20))
      const [code] = await closed(child)
      t.assert.strictEqual(output, 'EMSGSIZE read, disconnect false , ')
      t.assert.deepStrictEqual(log.toSorted(), ['disconnect', 'exit'])
      t.assert.strictEqual(code, 0)
    })
  }

  test('a length that nobody means is an error at once', async (t) => {
    t.plan(2)
    const { spawn } = require('ferrowire/child_process')
    const stdio = ['ignore', 'inherit', 'inherit', 'ipc']
    const child = spawn(
      '/bin/sh',
      ['-c', 'echo no frames at all >&3; printf "\\377\\377\\377\\377" >&3; read x <&3'],
      {
        stdio,
        serialization: 'advanced',
      },
    )
    const log = []
    for (const event of ['error', 'disconnect']) child.on(event, () => log.push(event))
    const error = await new Promise((resolve) => child.once('error', resolve))
    t.assert.deepStrictEqual([error.code, error.syscall], ['EMSGSIZE', 'read'])
    await closed(child)
    t.assert.deepStrictEqual(log, ['error', 'disconnect'])
  })

  test('killed at forty moments, either side ends once and in order', async (t) => {
    t.plan(80)
    const talk = `
      process.on('message', (message) => process.send(message))
      process.on('error', () => {})
      process.on('disconnect', () => require('node:fs').writeSync(1, 'gone '))
      for (let i = 0; i < 64; i++) process.send({ i, padding: 'x'.repeat(i * 100) })`
    const pipe = { stdio: ['ignore', 'pipe', 'inherit', 'ipc'] }
    const childKilled = async (moment) => {
      const child = startHere(talk, pipe)
      const log = []
      child.on('message', (message) => child.connected && child.send(message))
      // Of a message that was on its way.
      child.on('error', () => {})
      for (const event of ['disconnect', 'exit']) child.on(event, () => log.push(event))
      setTimeout(() => child.kill('SIGKILL'), moment * 5)
      await closed(child)
      t.assert.deepStrictEqual(log.toSorted(), ['disconnect', 'exit'])
    }
    const parentKilled = async (moment) => {
      const parent = startHere(
        `
        const { fork, spawn } = require(${JSON.stringify(require.resolve('ferrowire/child_process'))})
        const child = spawn(process.execPath, ['-e', ${JSON.stringify(talk)}],
          { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
        child.once('message', () => process.send('started'))
        child.on('message', (message) => child.send(message))`,
        pipe,
      )
      let output = ''
      parent.stdout.on('data', (text) => (output += text))
      await once(parent, 'message')
      setTimeout(() => parent.kill('SIGKILL'), moment)
      await closed(parent)
      t.assert.strictEqual(output, 'gone ')
    }
    for (let moment = 0; moment < 40; moment += 4) {
      const moments = [moment, moment + 1, moment + 2, moment + 3]
      await Promise.all(moments.flatMap((at) => [childKilled(at), parentKilled(at)]))
    }
  })

  test('a child that may not load an addon talks over the channel of node', async (t) => {
    t.plan(2)
    const script = path.join(__dirname, 'fixtures/ipc-child.js')
    const { fork } = require('ferrowire/child_process')
    const execArgv = ['--no-addons']
    const child = fork(script, ['environment'], { execArgv, stdio: ['ignore', 'ignore', 2, 'ipc'] })
    const [{ env, nodeOptions }] = await once(child, 'message')
    t.assert.deepStrictEqual(env, [])
    t.assert.strictEqual(nodeOptions[0] ?? undefined, process.env.NODE_OPTIONS)
    await once(child, 'exit')
  })
})
