'use strict'

// `npm test`: the Rust unit tests, the JavaScript tests on the Node that runs this, the type check.
//   node scripts/test.js [rust|js|types|stress]... [part of a test file's path]...

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { ROOT, build } = require('./build')
const { terminal } = require('./terminal')

const STRESS = path.join('__test__', 'stress')
// Several times what the slowest suite takes: a process that does not end must fail the run, not stop it.
const LIMIT_MS = 15 * 60_000

// Not left to `node --test`: what it takes for a directory or a pattern differs between Node 20 and 22.
function testFiles(wanted, { stress }) {
  const files = fs
    .readdirSync(path.join(ROOT, '__test__'), { recursive: true })
    .filter((file) => /\.test\.m?js$/.test(file) && !file.includes('node_modules'))
    .map((file) => path.join('__test__', file))
    .filter((file) => file.startsWith(STRESS) === stress)
    .sort()
  // A file that was renamed must not leave a list of parts unnoticed.
  const missing = wanted.filter((part) => !files.some((file) => file.includes(part)))
  if (missing.length > 0) throw new Error(`no test file matches ${missing.join(', ')}`)
  return wanted.length === 0
    ? files
    : files.filter((file) => wanted.some((part) => file.includes(part)))
}

function run(command, args, { env, timeout } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      stdio: 'inherit',
      env: { ...process.env, ...env },
      timeout,
    })
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve()
      else if (child.killed) reject(new Error(`no end within ${timeout / 60_000} minutes`))
      else reject(new Error(signal ?? `status ${code}`))
    })
  })
}

async function nodeTests(wanted, { stress = false } = {}) {
  await build()
  const args = ['--test', '--test-reporter=spec', ...testFiles(wanted, { stress })]
  const how = stress ? { env: { FERROWIRE_STRESS: '1' } } : { timeout: LIMIT_MS }
  return run(process.execPath, args, how)
}

const poisoned = process.env.FERROWIRE_POISON ? ', the built-in transports poisoned' : ''

const SUITES = {
  rust: { title: 'Rust: cargo test', start: () => run('cargo', ['test']) },
  js: {
    title: `JavaScript on Node ${process.versions.node}${poisoned}`,
    start: (wanted) => nodeTests(wanted),
  },
  types: {
    title: 'Types: index.d.ts and the subpaths against their tests',
    start: () =>
      run(process.execPath, [require.resolve('typescript/bin/tsc'), '--project', '__test__/types']),
  },
  stress: {
    title: `Stress on Node ${process.versions.node}`,
    start: (wanted) => nodeTests(wanted, { stress: true }),
  },
}

async function main(args) {
  const named = args.filter((arg) => Object.hasOwn(SUITES, arg))
  const wanted = args.filter((arg) => !Object.hasOwn(SUITES, arg))
  const suites = named.length > 0 ? named : ['rust', 'js', 'types']
  const results = []
  for (const name of suites) {
    const { title, start } = SUITES[name]
    terminal.heading(title)
    const began = Date.now()
    const failure = await start(wanted).then(
      () => null,
      (error) => error,
    )
    results.push({ title, failure, seconds: ((Date.now() - began) / 1000).toFixed(1) })
  }
  terminal.line()
  for (const { title, failure, seconds } of results) {
    if (failure) terminal.bad(`${title}: failed (${failure.message}), ${seconds} s`)
    else terminal.ok(`${title}, ${seconds} s`)
  }
  process.exitCode = results.some(({ failure }) => failure) ? 1 : 0
}

main(process.argv.slice(2))
