'use strict'

// The comparison itself: it must notice what it is for, overlook what is chance, and the poison
// must be one.

const assert = require('node:assert/strict')
const net = require('node:net')
const path = require('node:path')
const { check, compare, scenario } = require('../common/harness')
const { BUILT_IN, REFERENCE, sides } = require('../common/modules')
const { runApart, runHere } = require('../common/run')
const { LIFE, closed } = require('../common/tools')

const POISON = path.join(__dirname, '..', 'common', 'poison.js')

async function echo(run) {
  const { server, client } = run
  const listener = server.net.createServer((peer) => {
    server.log.watch('peer', peer, LIFE)
    peer.end('hello')
  })
  const target = await run.listen(listener)
  const socket = client.net.connect(target)
  client.log.watch('socket', socket, LIFE)
  const lost = client.net.connect(run.path())
  run.lane('lost').watch('lost', lost, ['error'])
  await closed(socket)
  await run.close(listener)
}

scenario('an echo', {}, echo)

const made = { name: 'an echo', file: __filename, timeout: 2000, play: echo }

// The built-in, with what its sockets emit passed through `change`.
function altered(change) {
  const connect = (...args) => {
    const socket = net.connect(...args)
    const { emit } = socket
    socket.emit = (...event) => change((...as) => emit.apply(socket, as), ...event)
    return socket
  }
  return { net: { ...net, connect } }
}

const alterations = {
  'an event that is missing': (emit, name, ...args) =>
    name === 'end' || name === 'ready' ? true : emit(name, ...args),
  'an event that comes twice': (emit, name, ...args) => {
    if (name === 'connect') emit(name, ...args)
    return emit(name, ...args)
  },
  'two events in another order': (emit, name, ...args) => {
    if (name === 'ready') return true
    if (name === 'end') emit('ready')
    return emit(name, ...args)
  },
  'other bytes': (emit, name, ...args) =>
    name === 'data' ? emit(name, Buffer.from('hallo')) : emit(name, ...args),
  'text for bytes': (emit, name, ...args) =>
    name === 'data' ? emit(name, String(args[0])) : emit(name, ...args),
  'another argument': (emit, name, ...args) =>
    name === 'close' ? emit(name) : emit(name, ...args),
  'a property more in an error': (emit, name, ...args) =>
    emit(name, ...args.map((arg) => (name === 'error' ? Object.assign(arg, { extra: 1 }) : arg))),
  'another message of an error': (emit, name, ...args) => {
    if (name === 'error') args[0].message += '!'
    return emit(name, ...args)
  },
}

for (const [name, change] of Object.entries(alterations)) {
  check(`the comparison notices ${name}`, async () => {
    sides.altered = altered(change)
    const pair = { server: BUILT_IN, client: 'altered' }
    const play = () => runHere(made, pair, 'tcp')
    await assert.rejects(
      compare(play, runHere(made, REFERENCE, 'tcp'), []),
      /strictly deep-equal|not done after/,
    )
  })
}

check('the comparison overlooks how the bytes were cut', async () => {
  sides.altered = altered((emit, name, ...args) => {
    if (name !== 'data') return emit(name, ...args)
    for (const byte of args[0]) emit(name, Buffer.of(byte))
    return true
  })
  const pair = { server: BUILT_IN, client: 'altered' }
  await compare(() => runHere(made, pair, 'tcp'), runHere(made, REFERENCE, 'tcp'), [])
})

check('a scenario that does not end is ended, and shows how far it came', async () => {
  const stuck = {
    ...made,
    timeout: 100,
    async play(run) {
      run.server.log('reached')
      await new Promise(() => {})
    },
  }
  await assert.rejects(runHere(stuck, REFERENCE, 'tcp'), /not done after 100 ms[^]*reached/)
})

for (const over of ['tcp', 'local']) {
  check(`the poison stops the built-in over ${over}`, async () => {
    // Whether the call throws to the scenario or kills its process is the built-in's affair.
    const said = await runApart(made, REFERENCE, over, ['--require', POISON]).then(
      ({ stderr }) => stderr,
      ({ message }) => message,
    )
    assert.match(said, /is poisoned/)
  })
}

for (const [name, use] of Object.entries({
  server: `http.createServer().emit('connection', far)`,
  client: `http.get({ createConnection: () => near }).on('socket', () => {})`,
})) {
  check(`the poison stops the built-in's HTTP ${name}`, async () => {
    const { spawnSync } = require('node:child_process')
    const source = `
      const http = require('node:http')
      const { PassThrough, Duplex } = require('node:stream')
      const [near, far] = [new PassThrough(), new PassThrough()]
      ${use}
    `
    const { status, stderr } = spawnSync(process.execPath, ['--require', POISON, '-e', source], {
      encoding: 'utf8',
    })
    assert.equal(status, 1, stderr)
    assert.match(stderr, /HTTPParser\.initialize is poisoned/)
  })
}
