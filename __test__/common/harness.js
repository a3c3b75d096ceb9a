'use strict'

// The event-log comparison. `scenario(name, options, play)` is one conversation between a server
// and a client; it is played with the server and the client each from { ferrowire, built-in }, and
// every log must equal that of built-in with built-in on the same Node.
//
//   INTEROP=built-in     plays the reference twice instead: are the scenarios themselves deterministic?
//   FERROWIRE_POISON=1   plays ferrowire with ferrowire in processes whose built-in transports throw (poison.js)

const assert = require('node:assert/strict')
const path = require('node:path')
const { test } = require('node:test')
const { BUILT_IN, FERROWIRE, PAIRS, REFERENCE, pairName } = require('./modules')
const { runApart, runHere } = require('./run')
const { isNodeFrom } = require('./node-version')
const versions = require('./versions')

const OURS = { server: FERROWIRE, client: FERROWIRE }
const POISON = path.join(__dirname, 'poison.js')

let collected = null

// The scenarios of a test file, without running them.
function collect(file) {
  collected = []
  require(file)
  return collected
}

// options: over     the endpoints, ['tcp', 'local'] unless told
//          apart    play in a process of its own: for scenarios about the process
//          timeout  the watchdog, in milliseconds
//          foreign  uses the built-in transports on purpose: not played with them poisoned
function scenario(name, options, play) {
  const { over = ['tcp', 'local'], apart = false, timeout = 8000, foreign = false } = options
  const file = callerFile()
  const made = { name, file, over, apart, timeout, foreign, play }
  if (collected) collected.push(made)
  else register(made)
}

// A test beside the scenarios of a file; the processes that only play one of them leave it out.
function check(name, job) {
  if (!collected) test(name, job)
}

function callerFile() {
  const prepare = Error.prepareStackTrace
  Error.prepareStackTrace = (_, frames) => frames
  const frames = new Error().stack
  Error.prepareStackTrace = prepare
  return frames[2].getFileName()
}

// A handle that a failed scenario left open would keep this process, and with it the whole run of
// the tests, for ever.
let running = 0
let leaving

async function guarded(job) {
  running++
  clearTimeout(leaving)
  try {
    await job()
  } finally {
    // The next test, if there is one, starts within a tick.
    if (--running === 0) leaving = setTimeout(leave, 5000).unref()
  }
}

function leave() {
  console.error('still open:', process.getActiveResourcesInfo?.())
  process.exit(1)
}

function register(made) {
  const known = versions.filter(
    ({ before, scenarios }) => !isNodeFrom(before) && scenarios.includes(made.name),
  )
  const other = known.find(({ entry }) => !entry)
  if (other) {
    test(made.name, { skip: `before Node ${other.before} ${other.because}` }, () => {})
    return
  }
  if (made.foreign && process.env.FERROWIRE_POISON) {
    test(made.name, { skip: 'it uses the built-in transports on purpose' }, () => {})
    return
  }
  const ignored = known.map(({ entry }) => entry)
  const play = made.apart ? runApart : runHere
  for (const over of made.over) {
    const title = (how) => `${made.name} over ${over}: ${how}`
    if (process.env.INTEROP === BUILT_IN) {
      test(title('built-in twice'), () =>
        compare(() => play(made, REFERENCE, over), play(made, REFERENCE, over), []),
      )
      continue
    }
    if (process.env.FERROWIRE_POISON) {
      test(title('ferrowire with the built-in poisoned'), () =>
        compare(
          () => runApart(made, OURS, over, ['--require', POISON]),
          runApart(made, REFERENCE, over),
          ignored,
        ),
      )
      continue
    }
    let reference
    for (const pair of PAIRS) {
      test(title(pairName(pair)), () => {
        reference ??= play(made, REFERENCE, over)
        return compare(() => play(made, pair, over), reference, ignored)
      })
    }
  }
}

const compare = (...runs) => guarded(() => equal(...runs))

// Changes `lanes`, which is also how a repeated use of one reference stays the same.
function leaveOut(lanes, ignored) {
  for (const name of Object.keys(lanes)) {
    lanes[name] = lanes[name].filter(
      (entry) => !ignored.some((pattern) => pattern.test(JSON.stringify(entry))),
    )
  }
}

async function equal(play, reference, ignored) {
  const expected = await reference
  for (const [lane, entries] of Object.entries(expected)) {
    assert.notEqual(entries.length, 0, `the scenario never wrote to ${lane}`)
  }
  // One after the other: two runs at once would share the turns of one loop.
  const lanes = await play()
  for (const log of [lanes, expected]) leaveOut(log, ignored)
  try {
    assert.deepEqual(lanes, expected)
  } catch (error) {
    if (lanes.stderr) error.message += `\n${lanes.stderr}`
    throw error
  }
}

module.exports = { check, collect, compare, scenario }
