'use strict'

// async_hooks: the resources of a connection, by what they are triggered and what listeners run in. (Tools that follow a
// request through a process hang on these.) Each scenario, with both ends in one process, must log what the built-in
// modules log.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { describe, test } = require('node:test')
const { runProgram } = require('../common/programs')

const ENTRY = path.join(__dirname, 'fixtures/async-resources.js')
const LIMIT = 15_000

const scenarios = [
  'echo over tcp',
  'echo over local',
  'refused over tcp',
  'refused over local',
  'a name',
  'two addresses',
  'a write that waits',
  'request',
  'kept connections',
  'throws over tcp',
  'throws over local',
  'throws of an http server',
  'throws of an http client',
  'upgrade',
]

async function play(t, modules, scenario) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'ferrowire-'))
  t.after(() => fs.rmSync(directory, { recursive: true }))
  const args = [ENTRY, ...modules, scenario, directory]
  const { stdout } = await runProgram(process.execPath, args, { timeout: LIMIT })
  return JSON.parse(stdout)
}

const builtIn = ['node:net', 'node:http']
// INTEROP=built-in as in common/harness.js.
const own = process.env.INTEROP === 'built-in' ? builtIn : ['ferrowire/net', 'ferrowire/http']

describe('async resources', { concurrency: 2 }, () => {
  for (const scenario of scenarios) {
    test(scenario, async (t) => {
      t.plan(1)
      const [seen, expected] = await Promise.all([
        play(t, own, scenario),
        play(t, builtIn, scenario),
      ])
      t.assert.deepStrictEqual(seen, expected)
    })
  }
})
