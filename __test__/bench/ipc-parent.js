'use strict'

// node ipc-parent.js SIDE SECONDS TALK     a fork and its child, both on SIDE's modules
// Prints { count, seconds } as the load generator does, or { micros }, the median of single round
// trips, with a `note` when the two were not pinned.

const path = require('node:path')
const { pin } = require('./processes')
const { sides } = require('./sides')

const [side, seconds, talk] = process.argv.slice(2)
const { fork } = sides[side].load('child_process')

// 90 bytes as JSON.
const job = {
  id: 1,
  type: 'job',
  text: 'hello world',
  list: [1, 2, 3],
  nested: { yes: true, no: null },
}
const WINDOW = 64
const BATCH = 1000
const MEBIBYTE = 1024 * 1024

// `child` is what the child does, see ipc-child.js.
const talks = {
  json: { child: 'echo', start: echo },
  advanced: { child: 'echo', serialization: 'advanced', start: echo },
  'one-way': { child: 'count', start: sendInBatches },
  'round-trip': { child: 'echo', start: timeTrips, isPinned: true },
  'json-16m': { child: 'measure', start: sendOne({ text: 'x'.repeat(16 * MEBIBYTE) }) },
  'buffer-1m': {
    child: 'measure',
    serialization: 'advanced',
    start: sendOne({ bytes: Buffer.alloc(MEBIBYTE, 'x') }),
  },
}

const { start, isPinned, serialization, child: childTalk } = talks[talk]
const child = fork(path.join(__dirname, 'ipc-child.js'), [childTalk], { serialization })

function fail(text) {
  console.error(text)
  process.exit(1)
}

function finish(result) {
  console.log(JSON.stringify(result))
  process.exit()
}

child.on('exit', (code, signal) => fail(`the child ended: ${code ?? signal}`))

let note
child.once('message', () => {
  const problem = isPinned ? pin(process.pid, child.pid) : null
  if (problem !== null) note = `not pinned: ${problem}`
  start()
})

// Looking at each would cost more than carrying it.
const text = JSON.stringify(job)
function check(answer) {
  if (JSON.stringify(answer) !== text) fail(`not what was sent: ${JSON.stringify(answer)}`)
}

function echo() {
  const began = performance.now()
  let count = 0
  child.on('message', (answer) => {
    if (++count % 1000 === 0) check(answer)
    const spent = (performance.now() - began) / 1000
    if (spent >= seconds) finish({ count, seconds: spent })
    child.send(job)
  })
  for (let i = 0; i < WINDOW; i++) child.send(job)
}

// The child says at the end how many it has got; only then the time is over.
function sendInBatches() {
  const began = performance.now()
  let count = 0
  child.once('message', (answer) => {
    if (answer !== count) fail(`${count} were sent, ${answer} arrived`)
    finish({ count, seconds: (performance.now() - began) / 1000 })
  })
  const batch = () => {
    for (let i = 0; i < BATCH; i++) child.send(job)
    count += BATCH
    if ((performance.now() - began) / 1000 < seconds) setImmediate(batch)
    else child.send('end')
  }
  batch()
}

function timeTrips() {
  const trips = []
  const end = performance.now() + seconds * 1000
  let began
  const go = () => {
    began = performance.now()
    child.send(job)
  }
  child.on('message', (answer) => {
    const now = performance.now()
    trips.push((now - began) * 1000)
    if (trips.length % 1000 === 1) check(answer)
    if (now < end) return go()
    trips.sort((a, b) => a - b)
    finish({ micros: trips[trips.length >> 1], note })
  })
  go()
}

// One large message under way at a time; the child answers with its length.
function sendOne(message) {
  const { length } = Object.values(message)[0]
  return () => {
    let began
    let count = -1
    child.on('message', (answer) => {
      if (answer !== length) fail(`${length} were sent, ${answer} arrived`)
      // The first one finds everything cold.
      if (++count === 0) began = performance.now()
      const spent = (performance.now() - began) / 1000
      if (count > 0 && spent >= seconds) finish({ count, seconds: spent })
      child.send(message)
    })
    child.send(message)
  }
}
