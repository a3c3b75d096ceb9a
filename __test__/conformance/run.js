'use strict'

const USAGE = `npm run test:conformance -- NODE_TESTS [--area NAME]... [--poison] [--filter PATTERN] [--node BINARY] [--update] [--verbose]

Runs Node's own tests of net, http, pipes, fork and cluster, unmodified, a process each, with the modules redirected by
ferrowire/register. NODE_TESTS is the \`test\` directory of Node's sources; they are not part of this project.

__test__/conformance/<area>.txt says of each file whether it passes, and why not; whatever turns out otherwise is an
error. --poison makes the built-in sockets and HTTP parser throw.
--update writes what was found into the lists; reasons are written by hand.`

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { parseArgs } = require('node:util')
const { build } = require('../../scripts/build')
const { terminal } = require('../../scripts/terminal')
const { AREAS, readList, unexplained, writeList } = require('./lists')
const { play } = require('./play')

process.once('SIGINT', () => process.exit(130))

const isExpected = ({ state }, poison) =>
  state === 'passes' || state === 'free' || (state === 'unpoisoned' && !poison)

// Those of `sequential` one at a time, after the others.
async function playAll(todo, area, options, tell) {
  let next = 0
  const worker = async (queue) => {
    while (queue.length > 0) {
      const entry = queue.shift()
      terminal.status(`${area}: ${++next} of ${todo.length}`)
      tell(entry, await play({ ...options, file: entry.file }))
    }
  }
  const isAlone = ({ file }) => file.startsWith('sequential/')
  const together = todo.filter((entry) => !isAlone(entry))
  await Promise.all(os.cpus().map(() => worker(together)))
  await worker(todo.filter(isAlone))
  terminal.done()
}

// What a run says about a line of the list.
function judge(entry, passed, poison) {
  if (passed === isExpected(entry, poison)) return entry
  if (passed && poison && entry.state === 'fails') return entry
  const state = passed ? 'passes' : poison && entry.state !== 'fails' ? 'unpoisoned' : 'fails'
  return { state, file: entry.file }
}

async function runArea(area, options) {
  const { filter, poison, tests, update, verbose } = options
  const list = readList(area)
  const isLeftOut = ({ state }) => state === 'out' || (state === 'free' && poison)
  const todo = list.entries.filter((entry) => !isLeftOut(entry) && filter.test(entry.file))
  const found = new Map()
  const count = { passed: 0, measured: 0, measuring: 0, surprises: 0 }
  await playAll(todo, area, options, (entry, { passed, said }) => {
    found.set(entry, judge(entry, passed, poison))
    count.passed += passed
    if (entry.state !== 'free') {
      count.measuring++
      count.measured += passed
    }
    if (passed === isExpected(entry, poison)) return
    count.surprises++
    terminal.bad(`${entry.file} ${passed ? 'passes' : 'fails'}, listed as: ${entry.state}`)
    if (verbose && !passed) terminal.line(said.split('\n').slice(-30).join('\n'))
  })
  const percent = ((100 * count.measured) / count.measuring).toFixed(1)
  terminal.line(
    `${area.padEnd(8)} ${count.passed} of ${todo.length} pass; without free passes ${count.measured} of ${count.measuring} (${percent} %)`,
  )
  const entries = list.entries.map((entry) => found.get(entry) ?? entry)
  if (update) writeList(area, { head: list.head, entries })
  for (const { file } of unexplained(entries)) terminal.bad(`${file} has no reason in ${area}.txt`)
  for (const { file } of todo) {
    if (!fs.existsSync(path.join(tests, file))) terminal.bad(`${file} is not among these tests`)
  }
  return (update ? 0 : count.surprises) + unexplained(entries).length
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      area: { type: 'string', multiple: true },
      filter: { type: 'string', default: '' },
      node: { type: 'string', default: process.execPath },
      poison: { type: 'boolean', default: false },
      update: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
    },
  })
  const tests = positionals[0] && path.resolve(positionals[0])
  const areas = values.area ?? AREAS
  const isUsable = areas.every((area) => AREAS.includes(area))
  if (!isUsable || !tests || !fs.existsSync(path.join(tests, 'parallel'))) {
    console.error(USAGE)
    process.exitCode = 2
    return
  }
  await build()
  const options = { ...values, tests, filter: new RegExp(values.filter) }
  let wrong = 0
  for (const area of areas) wrong += await runArea(area, options)
  process.exitCode = wrong === 0 ? 0 : 1
}

main().catch((error) => {
  terminal.done()
  terminal.bad(error.message)
  process.exit(1)
})
