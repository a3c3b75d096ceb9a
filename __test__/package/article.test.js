'use strict'

// The article's scripts as a user has them: in a project of his own with Ferrowire in its node_modules. Once with the
// `require` lines of examples/, once with those of the article and `--require ferrowire/register`, and each side against
// the built-in modules.
//   FERROWIRE_POISON=1   both sides on Ferrowire, in processes whose built-in transports throw

const assert = require('node:assert/strict')
const fs = require('node:fs')
const net = require('node:net')
const os = require('node:os')
const path = require('node:path')
const { after, before, test } = require('node:test')
const { freePort } = require('../common/ports')
const { killAll } = require('../../scripts/demo/actor')
const {
  CONVERSATIONS,
  ENDPOINTS,
  EXAMPLES,
  POISON_ARGS,
  play,
} = require('../../scripts/demo/conversations')

const ROOT = path.join(__dirname, '..', '..')
// Long enough for two messages never to be read as one on a busy machine.
const INTERVAL_MS = 300
const EXCHANGES = 2

const project = fs.mkdtempSync(path.join(os.tmpdir(), 'fw-'))

// With the built-in modules, as the article has them.
const original = (text) => text.replaceAll('"ferrowire/', '"')

const VARIANTS = {
  ferrowire: { text: (text) => text, nodeArgs: [] },
  register: { text: original, nodeArgs: ['--require', 'ferrowire/register'] },
  'built-in': { text: original, nodeArgs: [] },
}

const PAIRS = process.env.FERROWIRE_POISON
  ? [
      ['ferrowire', 'ferrowire'],
      ['register', 'register'],
    ]
  : [
      ['ferrowire', 'ferrowire'],
      ['register', 'register'],
      ['ferrowire', 'built-in'],
      ['built-in', 'ferrowire'],
    ]

let endpoints

before(async () => {
  fs.mkdirSync(path.join(project, 'node_modules'))
  fs.symlinkSync(ROOT, path.join(project, 'node_modules', 'ferrowire'), 'junction')
  const pipe =
    process.platform === 'win32' ? `\\\\.\\pipe\\ferrowire-${process.pid}` : path.join(project, 's')
  endpoints = { port: await freePort(net), pipe }
  for (const name of Object.keys(VARIANTS)) copyExamples(name)
})

// Also when the test runner loses its patience.
process.once('SIGTERM', () => process.exit(1))
process.on('exit', killAll)

after(() => fs.rmSync(project, { recursive: true, force: true }))

// Only the endpoints differ from the originals, so that tests get along with each other and with a running demo.
function copyExamples(variant) {
  const quoted = (text) => JSON.stringify(text)
  for (const file of fs.readdirSync(EXAMPLES, { recursive: true })) {
    if (!file.endsWith('.js')) continue
    const text = fs
      .readFileSync(path.join(EXAMPLES, file), 'utf8')
      .replaceAll(String(ENDPOINTS.port), String(endpoints.port))
      .replaceAll(quoted(ENDPOINTS.pipe), quoted(endpoints.pipe))
    const copy = path.join(project, variant, file)
    fs.mkdirSync(path.dirname(copy), { recursive: true })
    fs.writeFileSync(copy, VARIANTS[variant].text(text))
  }
}

function variantOf(name) {
  const poison = process.env.FERROWIRE_POISON ? POISON_ARGS : []
  return {
    examples: path.join(project, name),
    nodeArgs: [...poison, ...VARIANTS[name].nodeArgs],
  }
}

for (const [name, { roles, title }] of Object.entries(CONVERSATIONS)) {
  for (const pair of PAIRS) {
    // The child of the IPC pair has no `require`; it runs what its parent starts.
    if (name === 'ipc' && pair[0] === 'built-in') continue
    if (name === 'ipc' && pair[1] === 'built-in') continue
    const sides = roles.map((role, i) => `${role} ${pair[i]}`).join(', ')
    test(`${title}: ${sides}`, async () => {
      const variants = Object.fromEntries(roles.map((role, i) => [role, variantOf(pair[i])]))
      const options = { endpoints, interval: INTERVAL_MS, exchanges: EXCHANGES, variants }
      assert.deepEqual(await play(name, options), [])
    })
  }
}
