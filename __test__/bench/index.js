'use strict'

const USAGE = `npm run bench -- [WORKLOAD]... [--rounds N] [--seconds S] [--beside OTHER,...] [--json]

The same script on Ferrowire and on the built-in modules of this Node, in turns; answers are checked. The figures are medians
of the rounds, with half of the distance between the best and the worst of them; a ratio above 1 is Ferrowire's advantage, also
where the figure is a time. A WORKLOAD may ask for more rounds. --json prints one JSON object instead. --beside measures other
HTTP clients in the same rounds; npm fetches them on first use.`

const { parseArgs } = require('node:util')
const { build } = require('../../scripts/build')
const { Terminal } = require('../../scripts/terminal')
const { WORKLOADS, compile, contest, endAll, installOthers } = require('./contest')
const { chart, cpuTimes, machine, otherTimes, table } = require('./report')
const { others, sides } = require('./sides')

const options = {
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '1.5' },
  beside: { type: 'string', default: '' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
}

// With --json stdout is for the object alone.
let terminal = new Terminal()

async function main() {
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const names = positionals.length > 0 ? positionals : Object.keys(WORKLOADS)
  const unknown = names.find((name) => !Object.hasOwn(WORKLOADS, name))
  const rounds = Number(values.rounds)
  const seconds = Number(values.seconds)
  const beside = values.beside.split(',').filter(Boolean)
  const stranger = beside.find((name) => !Object.hasOwn(others, name))
  const isUsable = !unknown && !stranger && Number.isInteger(rounds) && rounds > 0 && seconds > 0
  if (values.help || !isUsable) {
    if (unknown) console.error(`no such workload: ${unknown}`)
    if (stranger) console.error(`no such client: ${stranger}`)
    console.error(`${USAGE}\n\nWORKLOAD: ${Object.keys(WORKLOADS).join(' ')}`)
    console.error(`OTHER: ${Object.keys(others).join(' ')}`)
    process.exitCode = values.help ? 0 : 2
    return
  }
  if (values.json) terminal = new Terminal(process.stderr)
  // A debug build may lie there; cargo knows.
  await build({ force: true })
  await compile()
  await installOthers(beside)

  terminal.line(`${machine()}; ${rounds} rounds of ${seconds} s`)
  const results = []
  for (const name of names) {
    const onSample = ({ title, side, round, rounds: of }) =>
      terminal.status(
        `${title}: ${(sides[side] ?? others[side]).title}, round ${round + 1} of ${of}`,
      )
    results.push(await contest(name, { rounds, seconds, beside, onSample }))
    terminal.done()
  }
  if (values.json) {
    console.log(
      JSON.stringify(
        { node: process.versions.node, machine: machine(), rounds, seconds, results },
        null,
        2,
      ),
    )
    return
  }
  terminal.line()
  table(results, terminal)
  chart(results, terminal)
  cpuTimes(results, terminal)
  otherTimes(results, terminal)
}

process.on('exit', endAll)
for (const [signal, status] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
]) {
  process.once(signal, () => {
    terminal.done()
    process.exit(status)
  })
}

main().catch((error) => {
  terminal.done()
  terminal.bad(error.stderr || error.message)
  process.exit(1)
})
