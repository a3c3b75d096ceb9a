'use strict'

// One workload on all sides: what is measured stands in processes of its own, visited in turn, round after round, so that a
// slower minute of the machine meets everybody.

const { compile, installOthers, obstacle } = require('./programs')
const { endAll } = require('./processes')
const { others, sides, titleOf } = require('./sides')
const { WORKLOADS, figuresOf, namesOf } = require('./workloads')

// A contender has `measure(seconds)` and `end()`. A sample has the row's figures, perhaps `cpu` (microseconds of processor time
// per message, of the server or of what is measured instead) and `note`, which is told to whoever reads the figures.
function contender(side, workload) {
  return require(`./contenders/${workload.kind}`).contender(side, workload)
}

function median(numbers) {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

function summary(samples, key, hasCpu) {
  const rates = samples.map((sample) => sample[key])
  // What JSON.parse and a division make of a wrong answer.
  if (!rates.every(Number.isFinite)) throw new Error(`no figure: ${JSON.stringify(samples)}`)
  const cpus = hasCpu ? samples.map(({ cpu }) => cpu).filter((cpu) => cpu !== undefined) : []
  return {
    median: median(rates),
    min: Math.min(...rates),
    max: Math.max(...rates),
    cpu: cpus.length > 0 ? median(cpus) : undefined,
    rates,
  }
}

function result(name, [key, title, unit], index, samples) {
  const { isLess = false, figures } = WORKLOADS[name]
  // Of a row of several figures, with the first.
  const hasCpu = index === 0
  const results = Object.entries(samples).map(([side, list]) => [side, summary(list, key, hasCpu)])
  const bySide = Object.fromEntries(results)
  const gain = bySide.ferrowire.median / bySide['built-in'].median
  const figure = figures === undefined ? undefined : key
  return { name, figure, title, unit, isLess, ratio: isLess ? 1 / gain : gain, sides: bySide }
}

// A row may ask for more rounds, or have no use for so many.
function roundsOf(workload, rounds) {
  return Math.min(Math.max(rounds, workload.rounds ?? 0), workload.atMost ?? Infinity)
}

// Resolves with { results, notes }: for each figure of the row { name, title, unit, isLess, ratio, sides: { ferrowire: { median,
// min, max, cpu, rates }, 'built-in': ... } }, and what is to be known about them.
async function contest(name, { rounds, seconds, beside = [], warmup = 0.3, onSample = () => {} }) {
  const workload = WORKLOADS[name]
  const title = workload.title ?? figuresOf(workload)[0][1]
  const count = roundsOf(workload, rounds)
  const names = [...Object.keys(sides), ...beside.filter((side) => others[side].can(workload))]
  const contenders = new Map()
  const samples = Object.fromEntries(names.map((side) => [side, []]))
  let who
  try {
    for (who of names) contenders.set(who, await contender(who, workload))
    if (!workload.isCold) for (who of names) await contenders.get(who).measure(warmup)
    for (let round = 0; round < count; round++) {
      // Who goes first changes, lest one of them always follow the other's heat.
      for (who of round % 2 ? names.toReversed() : names) {
        onSample({ name, title, side: who, round, rounds: count })
        samples[who].push(await contenders.get(who).measure(seconds))
      }
    }
  } catch (error) {
    throw new Error(`${name}, ${titleOf(who)}: ${error.stderr || error.message}`, { cause: error })
  } finally {
    for (const each of contenders.values()) await each.end()
  }
  const notes = Object.values(samples).flatMap((list) => list.map(({ note }) => note))
  return {
    results: figuresOf(workload).map((figure, index) => result(name, figure, index, samples)),
    notes: [...new Set(notes.filter(Boolean))].map((note) => `${title}: ${note}`),
  }
}

module.exports = { WORKLOADS, compile, contest, endAll, installOthers, namesOf, obstacle }
