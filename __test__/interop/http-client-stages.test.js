'use strict'

// A request that is given up, in every way and at every stage.

const { scenario } = require('../common/harness')
const { held, listenRaw, makeAgent, toward, watchExchange } = require('../common/http')
const { gate } = require('../common/tools')

const STAGES = {
  'at once': (request, go) => go(),
  'a tick later': (request, go) => process.nextTick(go),
  'with its socket': (request, go) => request.on('socket', go),
  'once connected': (request, go) =>
    request.on('socket', (socket) => (socket.connecting ? socket.on('connect', go) : go())),
  'when sent': (request, go) => request.on('finish', go),
  'with the response': (request, go) => request.on('response', go),
  'in the body': (request, go) => request.on('response', (res) => res.once('data', go)),
  'at the end': (request, go) => request.on('response', (res) => res.once('end', go)),
  'after the end': (request, go) =>
    request.on('response', (res) => res.once('end', () => setImmediate(go))),
  'when closed': (request, go) => request.on('close', go),
}

const WAYS = {
  abort: (request) => request.abort(),
  destroy: (request) => request.destroy(),
  'destroy with an error': (request) => request.destroy(new Error('mine')),
  'destroy of the response': (request) => request.res?.destroy(),
  'destroy of the socket': (request) => request.socket?.destroy(),
  'destroy of the socket with an error': (request) => request.socket?.destroy(new Error('its')),
  'abort of its signal': (request, controller) => controller.abort(),
  'abort of its signal with a reason': (request, controller) => controller.abort(new Error('why')),
}

// With the stages that such an answer never reaches.
const ANSWERS = {
  whole: { text: 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwhole', never: [] },
  'that stops': {
    text: 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nstops',
    never: ['at the end', 'after the end', 'when closed'],
  },
  missing: {
    text: '',
    never: ['with the response', 'in the body', 'at the end', 'after the end', 'when closed'],
  },
}

function hasEffect(way, { res, socket }) {
  if (way.includes('response')) return Boolean(res)
  return way.includes('socket') ? Boolean(socket) : true
}

// Gives one request up, and logs what becomes of everything.
async function giveUp(run, { listener, target }, { reach, way, isAnswered }) {
  const { client } = run
  const agent = makeAgent(run, { keepAlive: true })
  const controller = new AbortController()
  const signal = way.includes('signal') ? controller.signal : undefined
  const request = client.http.request(toward(target, { agent, signal }))
  const given = gate()
  const done = watchExchange(client.log, 'request', request)
  reach(request, () => {
    client.log('now', request.destroyed, request.writableFinished)
    const effective = hasEffect(way, request)
    WAYS[way](request, controller)
    given.open(effective)
  })
  request.end()
  // Nobody else would end it.
  if (!(await given.opened) && !isAnswered) request.destroy()
  if (!request.closed) await done
  const { socket } = request
  await run.turns(4)
  const { destroyed, aborted, parser } = request
  client.log(held(agent), destroyed, aborted, parser === null, socket?.destroyed)
  if (socket && !socket.destroyed) {
    const names = ['end', 'error', 'timeout', 'close', 'free']
    client.log(names.map((name) => socket.listenerCount(name)))
  }
  agent.destroy()
  await run.settled(listener)
}

for (const [answer, { text, never }] of Object.entries(ANSWERS)) {
  scenario(`given up at every stage, the answer ${answer}`, { over: ['tcp'] }, async (run) => {
    const raw = await listenRaw(run, (peer) => peer.write(text))
    for (const [stage, reach] of Object.entries(STAGES)) {
      if (never.includes(stage)) continue
      for (const way of Object.keys(WAYS)) {
        run.client.log(stage, way)
        await giveUp(run, raw, { reach, way, isAnswered: answer === 'whole' })
      }
    }
    await run.close(raw.listener)
  })
}
