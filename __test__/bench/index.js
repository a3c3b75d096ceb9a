'use strict'

const USAGE = `npm run bench -- [ROW]... [--rounds N] [--seconds S] [--beside OTHER,...] [--json]

The same script on Ferrowire and on the built-in modules of this Node, in turns; answers are checked. The figures are medians
of the rounds, with half of the distance between the best and the worst of them; a ratio above 1 is Ferrowire's advantage, also
where less is better. A ROW may ask for more rounds. tcp, pipe, net, http, client and ipc stand for all rows that begin so.
--json prints one JSON object instead. --beside measures others in the same rounds; npm fetches them on first use.
docs/benchmarks.md says what each row is.`

const { parseArgs } = require('node:util')
const { build } = require('../../scripts/build')
const { Terminal } = require('../../scripts/terminal')
const {
  WORKLOADS,
  compile,
  contest,
  endAll,
  installOthers,
  namesOf,
  obstacle,
} = require('./contest')
const { chart, cpuTimes, machine, otherTimes, table } = require('./report')
const { others, titleOf } = require('./sides')

const options = {
  rounds: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '0.7' },
  beside: { type: 'string', default: '' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
}

// With --json stdout is for the object alone.
let terminal = new Terminal()

// What of the rows can be measured here, and why the others can't. Whoever names a row gets it, or an error.
function choose(words) {
  const all = words.length > 0 ? words.flatMap(namesOf) : Object.keys(WORKLOADS)
  const chosen = { names: [], notes: [] }
  for (const name of new Set(all)) {
    const problem = obstacle(WORKLOADS[name])
    if (problem === null) chosen.names.push(name)
    else if (words.includes(name)) throw new Error(`${name}: ${problem}`)
    else chosen.notes.push(`${name} is not measured: ${problem}`)
  }
  return chosen
}

// What went wrong in one row does not take the figures of the others along; whoever reads them is told at once and at the end.
async function measure(names, { rounds, seconds, beside }) {
  const measured = { results: [], notes: [], failures: [] }
  for (const name of names) {
    const onSample = ({ title, side, round, rounds: of }) =>
      terminal.status(`${title}: ${titleOf(side)}, round ${round + 1} of ${of}`)
    try {
      const { results, notes } = await contest(name, { rounds, seconds, beside, onSample })
      measured.results.push(...results)
      measured.notes.push(...notes)
      terminal.done()
    } catch (error) {
      measured.failures.push(error.message)
      terminal.done()
      terminal.bad(error.message)
    }
  }
  return measured
}

async function main() {
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const unknown = positionals.find((word) => namesOf(word).length === 0)
  const rounds = Number(values.rounds)
  const seconds = Number(values.seconds)
  const beside = values.beside.split(',').filter(Boolean)
  const stranger = beside.find((name) => !Object.hasOwn(others, name))
  const isUsable = !unknown && !stranger && Number.isInteger(rounds) && rounds > 0 && seconds > 0
  if (values.help || !isUsable) {
    if (unknown) console.error(`no such row: ${unknown}`)
    if (stranger) console.error(`nothing of that name to measure beside: ${stranger}`)
    console.error(`${USAGE}\n\nROW: ${Object.keys(WORKLOADS).join(' ')}`)
    console.error(`OTHER: ${Object.keys(others).join(' ')}`)
    process.exitCode = values.help ? 0 : 2
    return
  }
  if (values.json) terminal = new Terminal(process.stderr)
  const { names, notes: skipped } = choose(positionals)
  // A debug build may lie there; cargo knows.
  await build({ force: true, terminal })
  await compile()
  await installOthers(beside)

  terminal.line(`${machine()}; ${rounds} rounds of ${seconds} s`)
  const { results, notes, failures } = await measure(names, { rounds, seconds, beside })
  if (failures.length > 0) process.exitCode = 1
  notes.unshift(...skipped)
  if (values.json) {
    const about = { node: process.versions.node, machine: machine(), rounds, seconds }
    console.log(JSON.stringify({ ...about, results, notes, failures }, null, 2))
    return
  }
  terminal.line()
  if (results.length > 0) table(results, terminal)
  for (const note of notes) terminal.line(`  ${terminal.paint('yellow', note)}`)
  for (const failure of failures) terminal.bad(failure)
  if (results.length > 0) chart(results, terminal)
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
