'use strict'

// `npm run demo`: the article's four pairs of scripts in processes of their own, checked against what the article promises,
// then the same echo on Ferrowire and on the built-in modules. Ends with a status other than 0 when anything differs.

const fs = require('node:fs')
const { compile, contest, endAll } = require('../../__test__/bench/contest')
const { chart, machine, table } = require('../../__test__/bench/report')
const { sides } = require('../../__test__/bench/sides')
const { build } = require('../build')
const { terminal } = require('../terminal')
const { killAll } = require('./actor')
const { CONVERSATIONS, ENDPOINTS, POISON_ARGS, play } = require('./conversations')
const { knock, whyTaken } = require('./stage')

const INTERVAL_MS = 350
const EXCHANGES = 3
const ROUNDS = 3
const ROUND_SECONDS = 0.7
// Everything below has a limit of its own; this one is for what nobody thought of.
const LIMIT_MS = 90_000

const isPoisoned = process.argv.includes('--poison')

const COLOURS = { server: 'cyan', client: 'magenta', parent: 'cyan', child: 'magenta' }

function sayer({ speaker = ({ role }) => role }) {
  return (line) => {
    const who = speaker(line)
    const text = line.stream === 'stderr' ? terminal.paint('red', line.text) : line.text
    terminal.line(`  ${terminal.paint(COLOURS[who], `${who.padStart(6)} │`)} ${text}`)
  }
}

// The article's scripts have their endpoints in them, so whoever sits there must be asked to go.
async function whoIsInTheWay() {
  const code = await whyTaken(ENDPOINTS.port)
  if (code !== null) {
    return `port ${ENDPOINTS.port}, which the article's scripts use, can't be had (${code}): end the program that listens there and run the demo again`
  }
  if (!(await knock(ENDPOINTS.pipe))) return null
  return `another program listens on ${ENDPOINTS.pipe}, which the article's scripts use: end it and run the demo again`
}

async function converse(name, number) {
  const conversation = CONVERSATIONS[name]
  const files = conversation.roles.map((role) => `examples/${name}/${role}.js`)
  terminal.heading(`${number}. ${conversation.title}   ${terminal.paint('dim', files.join('  '))}`)
  terminal.status(`waiting for ${EXCHANGES} exchanges`)
  const poisoned = { nodeArgs: POISON_ARGS }
  const problems = await play(name, {
    interval: INTERVAL_MS,
    exchanges: EXCHANGES,
    variants: isPoisoned
      ? Object.fromEntries(conversation.roles.map((role) => [role, poisoned]))
      : {},
    onLine: sayer(conversation),
  })
  terminal.done()
  // A server that is killed leaves the socket's file behind.
  if (name === 'pipe' && process.platform !== 'win32') fs.rmSync(ENDPOINTS.pipe, { force: true })
  for (const each of problems) terminal.bad(`differs: ${each}`)
  if (problems.length > 0) return false
  terminal.ok('as the article promises:')
  for (const line of conversation.promise(EXCHANGES))
    terminal.line(terminal.paint('dim', `    ${line}`))
  return true
}

async function measure() {
  terminal.heading('The same server script on Ferrowire and on the built-in modules')
  terminal.line(
    terminal.paint('dim', `  ${machine()}; medians of ${ROUNDS} rounds in turns, answers checked`),
  )
  terminal.line()
  terminal.status('compiling the load generator')
  await compile()
  const results = []
  for (const name of ['tcp-64', 'http-get']) {
    const onSample = ({ title, side, round }) =>
      terminal.status(`measuring ${title}: ${sides[side].title}, round ${round + 1} of ${ROUNDS}`)
    const measured = await contest(name, { rounds: ROUNDS, seconds: ROUND_SECONDS, onSample })
    results.push(...measured.results)
  }
  terminal.done()
  table(results, terminal)
  chart(results, terminal)
}

async function main() {
  await build()
  setTimeout(() => leave(`not done after ${LIMIT_MS / 1000} s`, 1), LIMIT_MS).unref()
  const problem = await whoIsInTheWay()
  if (problem) return leave(problem, 1)

  const began = Date.now()
  terminal.line(terminal.paint('bold', 'Two Node.js processes talk, four ways, on Ferrowire'))
  if (isPoisoned) terminal.line('The built-in transports of these processes are made to throw.')
  const differing = []
  for (const [index, name] of Object.keys(CONVERSATIONS).entries()) {
    if (!(await converse(name, index + 1))) differing.push(CONVERSATIONS[name].title)
  }
  if (differing.length > 0)
    return leave(`not as the article shows: ${differing.join(', ')}; nothing is measured`, 1)
  await measure()
  terminal.line()
  const seconds = ((Date.now() - began) / 1000).toFixed(0)
  terminal.ok(`all four conversations are as the article shows (${seconds} s)`)
}

function leave(why, status) {
  terminal.done()
  terminal.bad(why)
  process.exit(status)
}

// Also after an exception nobody caught: no process started here outlives this one.
process.on('exit', () => {
  killAll()
  endAll()
})
process.once('SIGINT', () => leave('interrupted', 130))
process.once('SIGTERM', () => leave('terminated', 143))
process.once('SIGHUP', () => process.exit(129))

main().catch((error) => leave(error.stderr || error.message, 1))
