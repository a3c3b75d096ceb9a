'use strict'

// Every argument and option of net with values of every kind: what is thrown, returned and emitted is what node:net does.

const assert = require('node:assert/strict')
const { once } = require('node:events')
const { after, before, test } = require('node:test')
const { outcomeOf, show, values } = require('../common/bad-values')
const { HOST, localPath } = require('../common/endpoints')
const { BUILT_IN, FERROWIRE, sides } = require('../common/modules')

const nodeMajor = Number(process.versions.node.split('.', 1)[0])

const ours = sides[FERROWIRE].net
const theirs = sides[BUILT_IN].net

// [name, call of one side's net with the value, which values are left out]
const CASES = []
const add = (name, call, leftOut = () => false) => CASES.push([name, call, leftOut])
// What only newer built-in modules know.
const addSince = (major, ...it) => (nodeMajor >= major ? add(...it) : undefined)

const isNumeric = (value) =>
  typeof value === 'number' || (typeof value === 'string' && value.trim() !== '')
const isPort = (value) =>
  isNumeric(value) && Number.isInteger(+value) && +value >= 0 && +value < 65_536
// Other tests may talk to it, or it is not ours to take.
const isFixedPort = (value) => isPort(value) && +value > 0
// Of this process, or to be.
const isDescriptor = (value) => typeof value === 'number' && isPort(value)
const isName = (value) => typeof value === 'string' && value !== ''
// What an object that is none does as a handle is told in the words of the code that calls it.
const isObject = (value) => /object|function/.test(typeof value) && value !== null
const isFunction = (value) => typeof value === 'function'

const words = (...lines) => lines.flatMap((line) => line.split(' '))

// Nothing answers there, and no name server is asked.
const NOWHERE = { port: 1, host: HOST }
const lookup = (host, options, done) => {
  process.nextTick(done, new Error(`asked for ${host} ${JSON.stringify(options)}`))
}

// --- connecting

for (const option of words(
  'port localAddress family hints lookup signal timeout noDelay keepAlive',
  'keepAliveInitialDelay onread allowHalfOpen autoDestroy autoSelectFamily',
  'autoSelectFamilyAttemptTimeout readable writable emitClose highWaterMark',
  'readableHighWaterMark writableHighWaterMark encoding objectMode readableObjectMode',
  'writableObjectMode decodeStrings defaultEncoding pauseOnCreate manualStart',
)) {
  add(`connect({ ${option} })`, (net, value) =>
    net.connect({ ...NOWHERE, lookup, [option]: value }),
  )
}
// Before, Node takes a name with a null byte in it, and has another word for the host.
for (const option of ['host', 'path']) {
  addSince(22, `connect({ ${option} })`, (net, value) =>
    net.connect({ ...NOWHERE, lookup, [option]: value }),
  )
}
const NAMED = { port: 1, host: 'some.test', lookup }
for (const option of ['family', 'hints', 'autoSelectFamily', 'autoSelectFamilyAttemptTimeout']) {
  add(`connect({ ${option} }) to a name`, (net, value) =>
    net.connect({ ...NAMED, [option]: value }),
  )
}
add(
  'connect({ localPort })',
  (net, value) => net.connect({ ...NOWHERE, localPort: value }),
  isFixedPort,
)
add('connect({ handle })', (net, value) => net.connect({ ...NOWHERE, handle: value }), isObject)
add('connect({ fd })', (net, value) => net.connect({ ...NOWHERE, fd: value }), isDescriptor)
addSince(22, 'connect({ blockList })', (net, value) =>
  net.connect({ ...NOWHERE, blockList: value }),
)
addSince(24, 'connect({ typeOfService })', (net, value) =>
  net.connect({ ...NOWHERE, typeOfService: value }),
)
addSince(22, 'connect(value)', (net, value) => net.connect(value), isPort)
addSince(22, 'new Socket().connect(value)', (net, value) => new net.Socket().connect(value), isPort)
add('connect(port, host, value)', (net, value) => net.connect(1, HOST, value))
add('connect(options, value)', (net, value) => net.connect(NOWHERE, value))
for (const part of ['buffer', 'callback']) {
  const onread = { buffer: Buffer.alloc(5), callback() {} }
  add(`connect({ onread: { ${part} } })`, (net, value) =>
    net.connect({ ...NOWHERE, onread: { ...onread, [part]: value } }),
  )
}

// --- sockets

add('new Socket(value)', (net, value) => new net.Socket(value), isDescriptor)
add('Socket(value)', (net, value) => net.Socket(value), isDescriptor)
add('new Socket({ fd })', (net, value) => new net.Socket({ fd: value }), isDescriptor)
add('new Socket({ handle })', (net, value) => new net.Socket({ handle: value }), isObject)
for (const method of words(
  'setTimeout setNoDelay setKeepAlive setEncoding setDefaultEncoding write end unshift push',
  'read pipe unpipe destroy destroySoon ref resetAndDestroy pause cork address',
)) {
  add(`socket.${method}(value)`, (net, value) => {
    const socket = new net.Socket().on('error', () => {})
    const result = socket[method](value)
    return result === socket ? socket : [result, socket.destroy() === socket]
  })
}

// Of a new socket and of both kinds of connected ones.
const live = new Map()
const sockets = {
  'new socket': () => null,
  'connected socket': (net) => live.get(net).tcp,
  'connected pipe': (net) => live.get(net).local,
}
const isChunk = (value) => value === null || typeof value === 'string' || Buffer.isBuffer(value)
for (const [kind, get] of Object.entries(sockets)) {
  const tryOn = (name, call, leftOut, since = 0) =>
    addSince(
      since,
      `${kind}: ${name}`,
      (net, value) => {
        const socket = get(net) ?? new net.Socket().on('error', () => {})
        const result = call(socket, value)
        return result === socket ? 'itself' : result
      },
      leftOut,
    )
  for (const method of ['setTimeout', 'setNoDelay', 'setKeepAlive', 'setDefaultEncoding', 'read']) {
    tryOn(`${method}(value)`, (socket, value) => socket[method](value))
  }
  for (const method of ['setTypeOfService', 'getTypeOfService']) {
    tryOn(`${method}(value)`, (socket, value) => socket[method](value), undefined, 24)
  }
  tryOn('setTimeout(0, value)', (socket, value) => socket.setTimeout(0, value))
  tryOn('write(value)', (socket, value) => socket.write(value), isChunk)
  tryOn('write(text, value)', (socket, value) => socket.write('a', value))
  tryOn('write(text, encoding, value)', (socket, value) => socket.write('a', 'utf8', value))
  tryOn('setKeepAlive(true, value)', (socket, value) => socket.setKeepAlive(true, value))
  for (const part of ['enable', 'initialDelay', 'interval', 'count']) {
    const call = (socket, value) => socket.setKeepAlive({ enable: true, [part]: value })
    tryOn(`setKeepAlive({ ${part} })`, call, undefined, 24)
  }
}

// --- servers

add('createServer(value)', (net, value) => net.createServer(value))
add('createServer(options, value)', (net, value) => net.createServer({}, value))
add('Server(value)', (net, value) => net.Server(value))
for (const option of words(
  'allowHalfOpen pauseOnConnect noDelay keepAlive keepAliveInitialDelay highWaterMark',
)) {
  add(`createServer({ ${option} })`, (net, value) =>
    net.createServer({ [option]: value }).listen(0, HOST),
  )
}
addSince(22, 'createServer({ blockList })', (net, value) => net.createServer({ blockList: value }))

const listen = (net, ...args) => net.createServer().listen(...args)
add('listen(value)', listen, (value) => isFixedPort(value) || isName(value))
add('listen(port, value)', (net, value) => listen(net, 0, value), isName)
add('listen(port, host, value)', (net, value) => listen(net, 0, HOST, value))
add('listen(port, host, backlog, value)', (net, value) => listen(net, 0, HOST, 5, value))
add('listen({ port })', (net, value) => listen(net, { port: value, host: HOST }), isFixedPort)
add('listen({ path })', (net, value) => listen(net, { path: value }), isName)
add('listen({ fd })', (net, value) => listen(net, { fd: value }), isDescriptor)
add('listen({ backlog })', (net, value) => listen(net, { port: 0, backlog: value }))
for (const option of ['exclusive', 'ipv6Only', 'signal', 'handle', '_handle']) {
  add(`listen({ ${option} })`, (net, value) =>
    listen(net, { port: 0, host: HOST, [option]: value }),
  )
}
for (const option of ['reusePort', 'readableAll', 'writableAll']) {
  addSince(22, `listen({ ${option} })`, (net, value) =>
    listen(net, { port: 0, host: HOST, [option]: value }),
  )
}
add('close(value)', (net, value) => net.createServer().close(value), isFunction)
add(
  'getConnections(value)',
  (net, value) => net.createServer().getConnections(value),
  (value) => !isFunction(value),
)

// --- bound sockets

const bind = (net, options) => {
  const bound = new net.BoundSocket(options)
  const { port, ...address } = Object(bound.address())
  bound.close()
  return { ...address, hasPort: port > 0 }
}
addSince(24, 'new BoundSocket(value)', bind)
for (const [option, leftOut] of Object.entries({
  host: undefined,
  port: isFixedPort,
  path: isName,
  ipv6Only: undefined,
  reusePort: undefined,
  exclusive: undefined,
  readableAll: undefined,
  fd: isDescriptor,
})) {
  addSince(
    24,
    `new BoundSocket({ ${option} })`,
    (net, value) => bind(net, { [option]: value }),
    leftOut,
  )
}

// --- the module's own

for (const name of ['isIP', 'isIPv4', 'isIPv6']) add(name, (net, value) => net[name](value))
for (const name of ['AutoSelectFamily', 'AutoSelectFamilyAttemptTimeout']) {
  add(`setDefault${name}(value)`, (net, value) => {
    const usual = net[`getDefault${name}`]()
    try {
      return [net[`setDefault${name}`](value), net[`getDefault${name}`]()]
    } finally {
      net[`setDefault${name}`](usual)
    }
  })
}
add('_normalizeArgs(value)', (net, value) => net._normalizeArgs(value))
add('_normalizeArgs([value])', (net, value) => net._normalizeArgs([value]))
add('_normalizeArgs([port, value])', (net, value) => net._normalizeArgs([1, value]))

const open = []

async function connected(net, where) {
  const server = net.createServer((peer) => open.push(peer.resume().on('error', () => {})))
  server.listen(where)
  await once(server, 'listening')
  const target = where.path ? where : { port: server.address().port, host: HOST }
  const socket = net.connect(target)
  await once(socket, 'connect')
  open.push(socket)
  server.close()
  return socket
}

before(async () => {
  for (const net of [ours, theirs]) {
    const tcp = await connected(net, { port: 0, host: HOST })
    live.set(net, { tcp, local: await connected(net, { path: localPath() }) })
  }
})
after(() => open.forEach((socket) => socket.destroy()))

for (const [name, call, leftOut] of CASES) {
  test(name, async () => {
    const [forOurs, forTheirs] = [values(), values()]
    const actual = {}
    const expected = {}
    for (const [i, value] of values().entries()) {
      if (leftOut(value)) continue
      expected[show(value)] = await outcomeOf(call, theirs, forTheirs[i])
      actual[show(value)] = await outcomeOf(call, ours, forOurs[i])
    }
    assert.deepEqual(actual, expected)
  })
}
