'use strict'

const USAGE = `npm run test:conformance -- NODE_TESTS [--module NAME] [--filter TEXT] [--node BINARY] [--update]

Runs Node's own tests of net, http, child_process and pipes, unmodified, a process each, with the modules redirected by
ferrowire/register. NODE_TESTS is the \`test\` directory of Node's sources; they are not part of this project.

What passes is listed in passing/<module>.txt. A listed test that fails is an error; those that pass and are not
listed are counted. --update writes the lists anew.`

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { parseArgs } = require('node:util')
const { ROOT, build } = require('../../scripts/build')
const { terminal } = require('../../scripts/terminal')

const LIMIT_MS = 30_000
const LISTS = path.join(__dirname, 'passing')
const REGISTER = path.join(ROOT, 'src', 'js', 'register.js')

const MODULES = {
  net: /^test-net-/,
  http: /^test-http-/,
  child_process: /^test-child-process-/,
  pipe: /^test-pipe-/,
}

// They look into Node's own insides, which no replacement has.
const isInternal = (source) =>
  /--expose-internals|internalBinding|require\('internal\//.test(source)

function collect(tests, name, filter) {
  const folder = path.join(tests, 'parallel')
  return fs
    .readdirSync(folder)
    .filter((file) => MODULES[name].test(file) && /\.m?js$/.test(file) && file.includes(filter))
    .map((file) => ({ file, source: fs.readFileSync(path.join(folder, file), 'utf8') }))
    .filter(({ source }) => !isInternal(source))
}

const running = new Set()
process.on('exit', () => {
  for (const child of running) endGroup(child)
})
process.once('SIGINT', () => process.exit(130))

function endGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

function passes({ tests, node, file, source, slot }) {
  const flags =
    source
      .match(/^\/\/ Flags:(.*)/m)?.[1]
      .trim()
      .split(/\s+/) ?? []
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'fwc-'))
  const child = spawn(node, [...flags, path.join(tests, 'parallel', file)], {
    cwd: path.dirname(tests),
    stdio: 'ignore',
    // A group of its own: tests leave children behind.
    detached: true,
    env: {
      PATH: process.env.PATH,
      HOME: scratch,
      NODE_OPTIONS: `--require "${REGISTER}"`,
      NODE_TEST_DIR: scratch,
      TEST_SERIAL_ID: String(slot),
      TEST_THREAD_ID: '0',
      TEST_PARALLEL: '1',
    },
  })
  running.add(child)
  return new Promise((resolve) => {
    const limit = setTimeout(() => endGroup(child), LIMIT_MS)
    child.on('exit', (code) => {
      clearTimeout(limit)
      endGroup(child)
      running.delete(child)
      fs.rmSync(scratch, { recursive: true, force: true })
      resolve(code === 0)
    })
  })
}

async function runModule(name, { tests, node, filter, update }) {
  const todo = collect(tests, name, filter)
  const passed = []
  let next = 0
  const worker = async (slot) => {
    while (next < todo.length) {
      const { file, source } = todo[next++]
      terminal.status(`${name}: ${next} of ${todo.length}, ${passed.length} passed`)
      if (await passes({ tests, node, file, source, slot })) passed.push(file)
    }
  }
  await Promise.all(os.cpus().map((_, slot) => worker(slot + 1)))
  terminal.done()

  const list = path.join(LISTS, `${name}.txt`)
  const listed = fs.existsSync(list)
    ? fs.readFileSync(list, 'utf8').split('\n').filter(Boolean)
    : []
  const ran = new Set(todo.map(({ file }) => file))
  const lost = listed.filter((file) => ran.has(file) && !passed.includes(file))
  const gained = passed.filter((file) => !listed.includes(file))
  terminal.line(`${name.padEnd(14)} ${passed.length} of ${todo.length} pass`)
  if (update) {
    fs.mkdirSync(LISTS, { recursive: true })
    fs.writeFileSync(list, `${passed.sort().join('\n')}\n`)
    return 0
  }
  for (const file of lost.sort()) terminal.bad(`${file} passed before`)
  if (gained.length > 0)
    terminal.line(`  ${gained.length} that pass are not listed yet: --update lists them`)
  return lost.length
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      module: { type: 'string', multiple: true, default: Object.keys(MODULES) },
      filter: { type: 'string', default: '' },
      node: { type: 'string', default: process.execPath },
      update: { type: 'boolean', default: false },
    },
  })
  const tests = positionals[0] && path.resolve(positionals[0])
  const isUsable = values.module.every((name) => Object.hasOwn(MODULES, name))
  if (!isUsable || !tests || !fs.existsSync(path.join(tests, 'parallel'))) {
    console.error(USAGE)
    process.exitCode = 2
    return
  }
  await build()
  let lost = 0
  for (const name of values.module) lost += await runModule(name, { tests, ...values })
  process.exitCode = lost === 0 ? 0 : 1
}

main().catch((error) => {
  terminal.done()
  terminal.bad(error.message)
  process.exit(1)
})
