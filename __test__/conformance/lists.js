'use strict'

// The committed lists: <area>.txt has a line for each of Node's test files that belongs to an area,
//   <state> <file> [# reason]
// and every state but `passes` and `free` has a reason, written by hand.

const fs = require('node:fs')
const path = require('node:path')

const AREAS = ['net', 'http', 'pipe', 'fork', 'cluster']

const STATES = {
  passes: 'on Ferrowire, also with the built-in transports poisoned',
  free: 'passes even where every replaced function throws, so it proves nothing: not run poisoned',
  unpoisoned: 'passes, but not with the built-in transports poisoned',
  fails: 'on Ferrowire',
  out: 'not for any replacement to pass: not run',
}

const fileOf = (area) => path.join(__dirname, `${area}.txt`)

function parse(line) {
  const [, state, file, reason] = /^(\w+) +(\S+)(?: # (.+))?$/.exec(line) ?? []
  if (!Object.hasOwn(STATES, state)) throw new Error(`not a line of a list: ${line}`)
  return { state, file, reason }
}

// The comment on top stays as it is.
function readList(area) {
  const lines = fs.readFileSync(fileOf(area), 'utf8').split('\n').filter(Boolean)
  const head = lines.filter((line) => line.startsWith('#'))
  return { head, entries: lines.filter((line) => !line.startsWith('#')).map(parse) }
}

function writeList(area, { head, entries }) {
  const lines = entries.map(
    ({ state, file, reason }) => `${state.padEnd(6)} ${file}${reason ? ` # ${reason}` : ''}`,
  )
  fs.writeFileSync(fileOf(area), `${[...head, ...lines].join('\n')}\n`)
}

// The lines that lack what must be written by hand.
const unexplained = (entries) =>
  entries.filter(({ state, reason }) => !reason && state !== 'passes' && state !== 'free')

module.exports = { AREAS, STATES, readList, unexplained, writeList }
