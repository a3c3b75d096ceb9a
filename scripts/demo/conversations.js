'use strict'

// The article's four conversations: how each is played, and what it promises. The demo plays them from examples/, the tests
// also from copies whose modules and endpoints differ.

const path = require('node:path')
const { Stage } = require('./stage')

const ROOT = path.join(__dirname, '..', '..')
const EXAMPLES = path.join(ROOT, 'examples')

// For node's command line: the built-in transports of that process throw, so what still works runs on Ferrowire. Reaching
// them is deprecated, which is of no interest here.
const POISON_ARGS = [
  '--disable-warning=DEP0111',
  '--require',
  path.join(ROOT, '__test__', 'common', 'poison.js'),
]

// As the article's scripts have them.
const ENDPOINTS = {
  port: 8888,
  pipe: process.platform === 'win32' ? String.raw`\\.\pipe\mypip` : '/tmp/unix.sock',
}

const list = (lines) => lines.join(' / ') || 'nothing'

// `lines` must be `first`, then `pair` at least `times`, then `last`. A script that a timer drives goes on until it is stopped:
// what it begins with each time, `again`, may be there without what would have followed.
function differs(who, lines, { first = [], pair, times, last = [], again }) {
  const rest = [...lines]
  const isNext = (texts) => texts.every((text, i) => rest[i] === text)
  const takes = (texts) => isNext(texts) && rest.splice(0, texts.length)
  const leaveOut = () => {
    while (rest.length > 0 && rest[0] === again) rest.shift()
  }
  const isBegun = takes(first)
  let pairs = 0
  while (takes(pair)) pairs++
  leaveOut()
  const isEnded = takes(last)
  leaveOut()
  if (isBegun && pairs >= times && isEnded && rest.length === 0) return []
  const wanted = [...first, `at least ${times} x "${pair.join('", "')}"`, ...last]
  return [`the ${who} should say: ${list(wanted)}\n  it said: ${list(lines)}`]
}

function wroteToStderr(stage, roles, expected) {
  return roles.flatMap((role) => {
    const errors = stage.said(role, 'stderr').filter((line) => line !== expected)
    return errors.length > 0 ? [`the ${role} wrote to stderr: ${list(errors)}`] : []
  })
}

// Of the client that the server has left, when it writes once more before it is stopped.
const LEFT = 'This socket has been ended by the other party'
const SERVER_PAIR = ['receive: hello', 'send: hello']
const CLIENT_PAIR = ['send: hello', 'receive: hello']

// Waits for answers of whatever content, so that a wrong one is reported as what it is and not as a missing one.
async function exchangeHello(stage, folder) {
  const client = stage.start('client', `${folder}/client.js`)
  await stage.until(
    client,
    `${stage.exchanges} answers`,
    () => client.count(/^receive: /) >= stage.exchanges,
  )
  return client
}

const tcp = {
  title: 'TCP sockets',
  roles: ['server', 'client'],
  promise: (times) => [
    `server: connected, at least ${times} x receive and send, disconnected when the client leaves`,
    `client: connected, at least ${times} x send and receive`,
    'both: nothing on stderr',
  ],
  async play(stage) {
    const goodbye = 'socket disconnected'
    const server = await stage.startServer('tcp/server.js', stage.endpoints.port, goodbye)
    const before = server.count(goodbye)
    const client = await exchangeHello(stage, 'tcp')
    await client.stop()
    await stage.until(server, 'it saw the client leave', () => server.count(goodbye) > before)
    await server.stop()
  },
  check: (stage) => [
    ...differs('server', stage.said('server'), {
      first: ['socket connected'],
      pair: SERVER_PAIR,
      times: stage.exchanges,
      last: ['socket disconnected'],
    }),
    ...differs('client', stage.said('client'), {
      first: ['connected.'],
      pair: CLIENT_PAIR,
      times: stage.exchanges,
      again: CLIENT_PAIR[0],
    }),
    ...wroteToStderr(stage, ['server', 'client']),
  ],
}

const http = {
  title: 'HTTP',
  roles: ['server', 'client'],
  promise: (times) => [
    `${times} clients, one after the other: statusCode: 200, the body /hello, then each ends by itself with status 0`,
    'server: says nothing; both: nothing on stderr',
  ],
  async play(stage) {
    const server = await stage.startServer('http/server.js', stage.endpoints.port)
    stage.ends = []
    for (let i = 0; i < stage.exchanges; i++) {
      const client = stage.start('client', 'http/client.js')
      await stage.until(client, 'it ended by itself', () => client.status !== null)
      stage.ends.push(client.status)
    }
    await server.stop()
  },
  check(stage) {
    const problems = wroteToStderr(stage, ['server', 'client'])
    const wanted = stage.ends.flatMap(() => ['statusCode: 200', '/hello'])
    const said = stage.said('client')
    if (list(said) !== list(wanted)) {
      problems.push(`the clients should say: ${list(wanted)}\n  they said: ${list(said)}`)
    }
    if (stage.said('server').length > 0)
      problems.push(`the server said: ${list(stage.said('server'))}`)
    if (stage.ends.some((status) => status !== 0))
      problems.push(`the clients ended with ${stage.ends.join(', ')}`)
    return problems
  },
}

const ipc = {
  title: 'the IPC channel of fork()',
  roles: ['parent', 'child'],
  promise: (times) => [
    `at least ${times} x: the parent hears hello from the child, the child hears hi from the parent`,
    'both: nothing else, nothing on stderr',
  ],
  async play(stage) {
    const parent = stage.start('parent', 'ipc/parent.js')
    await stage.until(
      parent,
      `the child heard ${stage.exchanges} answers`,
      () => parent.count(/^message from parent: /) >= stage.exchanges,
    )
    await parent.stop()
  },
  check: (stage) => [
    ...differs('pair', stage.said('parent'), {
      pair: ['message from child: hello', 'message from parent: hi'],
      times: stage.exchanges,
      again: 'message from child: hello',
    }),
    ...wroteToStderr(stage, ['parent']),
  ],
  // The child writes to its parent's stdout (stdio: 'inherit'), so only the words tell who speaks.
  speaker: ({ role, text }) => (text.startsWith('message from parent') ? 'child' : role),
}

const pipe = {
  title: 'a local pipe',
  roles: ['server', 'client'],
  promise: (times) => [
    `server: connected, at least ${times} x receive and send`,
    `client: connected, at least ${times} x send and receive, disconnected when the server leaves`,
    'both: nothing on stderr',
  ],
  async play(stage) {
    const server = await stage.startServer('pipe/server.js', stage.endpoints.pipe, 'disconnected.')
    const client = await exchangeHello(stage, 'pipe')
    // It says "send" after it sent, so the client can be ahead of it.
    const answered = () => server.count('send: hello') >= client.count('receive: hello')
    await stage.until(server, 'it says what it sent', answered)
    await server.stop()
    await stage.until(client, 'it saw the server leave', () => client.count('disconnected.') > 0)
    await client.stop()
  },
  check: (stage) => [
    ...differs('server', stage.said('server'), {
      first: ['socket connected.'],
      pair: SERVER_PAIR,
      times: stage.exchanges,
    }),
    ...differs('client', stage.said('client'), {
      first: ['connected.'],
      pair: CLIENT_PAIR,
      times: stage.exchanges,
      last: ['disconnected.'],
      again: CLIENT_PAIR[0],
    }),
    ...wroteToStderr(stage, ['server']),
    ...wroteToStderr(stage, ['client'], LEFT),
  ],
}

const CONVERSATIONS = { tcp, http, ipc, pipe }

// Plays one and returns as text what differs from its promise; nothing when all is as it should be.
async function play(name, options) {
  const stage = new Stage({ examples: EXAMPLES, endpoints: ENDPOINTS, ...options })
  try {
    await CONVERSATIONS[name].play(stage)
    return CONVERSATIONS[name].check(stage)
  } catch (error) {
    return [error.message]
  } finally {
    await stage.clear()
  }
}

module.exports = { CONVERSATIONS, ENDPOINTS, EXAMPLES, POISON_ARGS, play }
