'use strict'

// The main script of every process that the tests start.
//   entry.js scenario <test file> <spec>        plays one scenario and prints its log when the process exits
//   entry.js fixture <side> <name> <arguments>  runs interop/fixtures/<name>.js with one side's modules

const fs = require('node:fs')
const path = require('node:path')
const { sides } = require('./modules')

const [what, ...rest] = process.argv.slice(2)

function playScenario(file, spec) {
  const { name, pair, over } = JSON.parse(spec)
  const { Run } = require('./run')
  const { collect } = require('./harness')
  const scenario = collect(file).find((candidate) => candidate.name === name)
  const run = new Run(pair, over)
  const outcome = { state: 'still running' }

  process.on('exit', (code) => {
    const lanes = run.exit(code)
    // Synchronous and in one piece, or a pipe would lose its rest at exit.
    writeAll(`\n${JSON.stringify({ lanes, outcome })}`)
  })
  // Not referenced: a process that should end by itself does.
  setTimeout(() => {
    outcome.error = `not done after ${scenario.timeout} ms; until then: ${JSON.stringify(run.stop(), null, 1)}`
    process.exit(1)
  }, scenario.timeout).unref()

  scenario.play(run).then(
    () => (outcome.state = 'done'),
    (error) => {
      outcome.error = `${error.stack}\nuntil then: ${JSON.stringify(run.stop(), null, 1)}`
      process.exit(1)
    },
  )
}

function writeAll(text) {
  let bytes = Buffer.from(text)
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(fs.writeSync(1, bytes))
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error
    }
  }
}

if (what === 'scenario') {
  playScenario(...rest)
} else {
  const [side, name, args] = rest
  const fixture = path.join(__dirname, '..', 'interop', 'fixtures', name)
  require(fixture)(sides[side], JSON.parse(args))
}
