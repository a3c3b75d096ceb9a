'use strict'

// The figures as a person reads them; the demo shows the same table.

const os = require('node:os')
const { others, sides } = require('./sides')

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

function bar(share, width) {
  const eighths = Math.round(share * width * 8)
  return '█'.repeat(eighths >> 3) + EIGHTHS[eighths & 7]
}

function count(number) {
  if (number >= 100) return Math.round(number).toLocaleString('en-US')
  return number.toFixed(number < 10 ? 2 : 1)
}

// Above this the machine had other work, and the medians say little.
const TOO_WIDE = 0.25

const spread = ({ median, min, max }) => (max === min ? 0 : (max - min) / 2 / median)
const percent = (share) => (Number.isFinite(share) ? `±${(share * 100).toFixed(0)} %` : '')
const amount = ({ median }, unit) => `${count(median)} ${unit}`.trimEnd()
// Of nothing there is no ratio.
const times = (ratio) => (Number.isFinite(ratio) && ratio > 0 ? `${ratio.toFixed(2)}x` : '-')

const isRestless = (results) =>
  results.some(({ sides: by }) => Object.values(by).some((each) => spread(each) > TOO_WIDE))

function table(results, terminal) {
  const rows = [['', 'Ferrowire', '', 'built-in', '', 'ratio']]
  for (const { title, unit, ratio, sides: by } of results) {
    const cells = Object.keys(sides).flatMap((side) => [
      amount(by[side], unit),
      percent(spread(by[side])),
    ])
    rows.push([title, ...cells, times(ratio)])
  }
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  for (const [index, row] of rows.entries()) {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[0]) : cell.padStart(widths[column]),
    )
    const ratio = cells.pop()
    const isHead = index === 0
    const text = terminal.paint(isHead ? 'dim' : 'none', cells.join('  '))
    terminal.line(`  ${text}  ${terminal.paint(isHead ? 'dim' : 'bold', ratio)}`)
  }
  if (isRestless(results)) {
    const words = `rounds differ by more than ${percent(TOO_WIDE)}: other work runs on this machine, measure again when it rests`
    terminal.line(`  ${terminal.paint('yellow', words)}`)
  }
}

// Each workload on its own scale: what is compared is the pair. Where less is better, what is drawn is how little it is.
function chart(results, terminal) {
  const width = Math.min(50, terminal.columns - 40)
  const first = Math.max(...results.map(({ title }) => title.length))
  for (const { title, ratio, isLess, sides: by } of results) {
    if (times(ratio) === '-') continue
    const good = ({ median }) => (isLess ? 1 / median : median)
    const most = Math.max(...Object.keys(sides).map((side) => good(by[side])))
    terminal.line()
    for (const [index, [side, { title: who }]] of Object.entries(sides).entries()) {
      const label = `  ${(index === 0 ? title : '').padEnd(first)}  ${who.padEnd(9)} `
      const drawn = bar(good(by[side]) / most, width)
      terminal.line(label + terminal.paint(side === 'ferrowire' ? 'cyan' : 'dim', drawn))
    }
  }
}

function cpuTimes(results, terminal) {
  const measured = results.filter(({ sides: by }) => by.ferrowire.cpu !== undefined)
  if (measured.length === 0) return
  terminal.heading('CPU time per message of the process that is measured, us')
  for (const { title, sides: by } of measured) {
    const cells = Object.entries(sides).map(
      ([side, { title: who }]) => `${who} ${by[side].cpu.toFixed(2).padStart(7)}`,
    )
    const ratio = times(by.ferrowire.cpu / by['built-in'].cpu)
    terminal.line(`  ${title.padEnd(32)} ${cells.join('   ')}   ${ratio}`)
  }
}

// Ferrowire against what was measured beside it.
function otherTimes(results, terminal) {
  if (!results.some(({ sides: by }) => Object.keys(by).some((side) => side in others))) return
  terminal.heading(
    'Others, and what Ferrowire is to them; their CPU time, and the share of it that Ferrowire needs',
  )
  for (const { title, unit, isLess, sides: by } of results) {
    for (const [side, { title: who }] of Object.entries(others)) {
      if (by[side] === undefined) continue
      const { median, cpu } = by[side]
      const gain = by.ferrowire.median / median
      const cells = [
        `${amount(by[side], unit)} ${percent(spread(by[side]))}`.padStart(22),
        times(isLess ? 1 / gain : gain),
      ]
      if (cpu !== undefined) {
        cells.push(`CPU ${cpu.toFixed(2)} us`.padStart(14), times(by.ferrowire.cpu / cpu))
      }
      terminal.line(`  ${title.padEnd(32)} ${who.padEnd(16)} ${cells.join('  ')}`)
    }
  }
}

function machine() {
  const cpus = os.cpus()
  return `Node ${process.versions.node}, ${process.platform} ${process.arch}, ${cpus.length} x ${cpus[0]?.model.trim() ?? 'unknown CPU'}`
}

module.exports = { chart, cpuTimes, machine, otherTimes, table }
