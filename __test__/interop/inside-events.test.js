'use strict'

// What a listener or callback may do to its own socket or server at any moment: destroy it, end it, throw.

const process = require('node:process')
const { scenario } = require('../common/harness')
const { HOST } = require('../common/endpoints')
const { closed, event, outcome } = require('../common/tools')

const EVENTS =
  'lookup connectionAttempt connect ready pause resume data drain end finish timeout error close'.split(
    ' ',
  )
const CALLBACKS = ['write callback', 'end callback', 'timeout callback']
const CONNECTING = ['lookup', 'connectionAttempt', 'connect', 'ready']
const MOMENTS = [...EVENTS, ...CALLBACKS]
const ACTIONS = {
  destroy: (socket) => socket.destroy(),
  'destroy with an error': (socket) => socket.destroy(new Error('enough')),
  end: (socket) => socket.end('last'),
  destroySoon: (socket) => socket.destroySoon(),
}

const lookup = (host, { all }, done) =>
  process.nextTick(done, null, ...(all ? [[{ address: HOST, family: 4 }]] : [HOST, 4]))

// One side of a conversation in which everything happens, and `act` at one moment of it.
function subject(socket, log, moment, act) {
  let last
  let acted = false
  const at = (name) => {
    if (name !== moment || acted) return
    acted = true
    log('acts', name, socket.readyState)
    act(socket)
  }
  for (const name of EVENTS) {
    socket.on(name, (value) => {
      // How often these come is nobody's promise.
      const isRepeated = name === last && (name === 'data' || name === 'drain')
      if (!isRepeated) log(name, value instanceof Error || name === 'close' ? value : '')
      last = name
      at(name)
    })
  }
  socket.write(Buffer.alloc(100_000), () => at('write callback'))
  if (moment.startsWith('timeout')) {
    // Nothing else is going to happen then.
    socket.once('data', () => socket.setTimeout(5, () => at('timeout callback')))
    socket.on('timeout', () => setImmediate(() => socket.destroy()))
  } else {
    socket.end('x', () => at('end callback'))
  }
  if (moment === 'error') socket.once('data', () => socket.destroy(new Error('on the way')))
  socket.pause()
  setImmediate(() => socket.resume())
}

function other(socket) {
  socket.on('error', () => {})
  socket.write('data')
  socket.resume()
}

async function converse(run, side, moment, act) {
  const { server, client, over } = run
  const { log } = run[side]
  log('conversation', moment)
  const options = { highWaterMark: 1024 }
  const gone = []
  const begin = (socket, isSubject) => {
    // Before the subject's own listener, which may throw.
    gone.push(closed(socket))
    if (isSubject) subject(socket, log, moment, act)
    else other(socket)
  }
  const listener = server.net.createServer(options, (peer) => begin(peer, side === 'server'))
  const target = await run.listen(listener)
  if (over === 'tcp') Object.assign(target, { host: 'some.test', lookup, autoSelectFamily: false })
  begin(client.net.connect({ ...target, ...options }), side === 'client')
  await gone[0]
  await Promise.all(gone)
  await run.close(listener)
  await run.turns(2)
}

const happens = (run, side, moment) => {
  if (side === 'server') return !CONNECTING.includes(moment)
  return moment !== 'lookup' || run.over === 'tcp'
}

for (const [name, act] of Object.entries(ACTIONS)) {
  scenario(`${name} inside every event`, { timeout: 20_000 }, async (run) => {
    for (const side of ['client', 'server']) {
      for (const moment of MOMENTS) {
        // There Node's own destroy() throws.
        if (!happens(run, side, moment) || moment === 'connectionAttempt') continue
        await converse(run, side, moment, act)
      }
      run[side].log('done')
    }
  })
}

// What would have followed in the same callback is lost with it, in Node too; the socket is not.
scenario('an exception inside every event', { apart: true, timeout: 20_000 }, async (run) => {
  for (const side of ['client', 'server']) {
    const { log } = run[side]
    let thrower
    const caught = ({ message }) => {
      log('uncaughtException', message, thrower.destroyed)
      thrower.destroy()
    }
    process.on('uncaughtException', caught)
    for (const moment of MOMENTS) {
      // 'pause' comes within pause(), which throws then.
      if (!happens(run, side, moment) || moment === 'pause') continue
      await converse(run, side, moment, (socket) => {
        thrower = socket
        throw new Error(`thrown in ${moment}`)
      })
    }
    process.off('uncaughtException', caught)
  }
})

const SERVER_EVENTS = ['listening', 'connection', 'drop', 'error', 'close']

scenario('a server that is closed inside every event', {}, async (run) => {
  const { server, client } = run
  for (const moment of [...SERVER_EVENTS, 'listen callback', 'count callback', 'peer close']) {
    const { log } = server
    log('server', moment)
    const listener = server.net.createServer()
    let acted = false
    const at = (name) => {
      if (name !== moment || acted) return
      acted = true
      const result = outcome(() => listener.close((error) => log('close callback', error)))
      log('acts', name, result === listener || result, listener.listening)
    }
    for (const name of SERVER_EVENTS) {
      listener.on(name, () => {
        log(name, listener.listening)
        at(name)
      })
    }
    listener.maxConnections = 1
    run.follow(listener)
    listener.listen(run.address(), () => at('listen callback'))
    const gone = event(listener, 'close')
    await event(listener, 'listening')
    if (listener.listening) {
      const target = run.target(listener.address())
      const accepted = event(listener, 'connection')
      const first = client.net.connect(target)
      first.on('error', () => {}).resume()
      const peer = await accepted
      peer.on('close', () => at('peer close')).resume()
      const second = client.net.connect(target)
      second.on('error', () => {}).resume()
      await closed(second)
      listener.getConnections((error, count) => {
        log('connections', error, count)
        at('count callback')
      })
      first.end()
      await closed(first, peer)
      await run.turns(2)
      if (listener.listening) listener.close()
    }
    await gone
    await run.turns(2)
    client.log('done')
  }
})
