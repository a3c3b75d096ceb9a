'use strict'

// Every option of fork and spawn that a child with a channel can notice, and every end it can come
// to: what parent and child see must be the same with either module, and under the preload.

const assert = require('node:assert/strict')
const path = require('node:path')
const { describe, test } = require('node:test')
const { BUILT_IN } = require('../common/modules')
const { runProgram } = require('../common/programs')

const ENTRY = path.join(__dirname, 'fixtures/options-parent.js')
const REGISTER = require.resolve('ferrowire/register')
const PLAIN = path.join(__dirname, 'fixtures/ipc-preload.js')
const LIMIT = Number(process.env.INTEROP_TIMEOUT) || 15_000
const isReference = process.env.INTEROP === BUILT_IN
const ours = isReference ? 'node:child_process' : 'ferrowire/child_process'

const { names } = require(ENTRY)

async function play(module, scenario, preload) {
  const execArgv = preload === undefined ? [] : ['--require', preload]
  const args = [...execArgv, ENTRY, module, scenario]
  const { stdout } = await runProgram(process.execPath, args, { timeout: LIMIT })
  return inOrder(JSON.parse(stdout.replaceAll(preload ?? '\0', '<preload>')))
}

// What is read from different descriptors has no order, a child's exit, which a signal tells, has
// none either.
const last = ['disconnect', 'exit', 'close', 'all', 'status']

function inOrder(log) {
  const rank = ([event]) => (event.startsWith('fd ') ? -9 + Number(event[3]) : last.indexOf(event))
  return log.toSorted((one, other) => rank(one) - rank(other))
}

// Poison would be inherited, and be a difference by itself.
const skip = Boolean(process.env.FERROWIRE_POISON)

describe('options of fork and spawn', { concurrency: 2, skip }, () => {
  for (const name of names) {
    test(name, async () => {
      const [seen, expected] = await Promise.all([
        play(ours, name),
        play('node:child_process', name),
      ])
      // Nothing of what ours accepted is lost.
      const all = seen.findIndex(([what]) => what === 'all')
      if (all !== -1) assert.deepEqual(seen.splice(all, 1), [['all', true]])
      assert.deepEqual(seen, expected)
    })
  }

  for (const name of ['no options', 'env', 'a child of a child', 'a module', 'a worker forks']) {
    test(`${name}, under the preload`, async () => {
      const [seen, expected] = await Promise.all([
        play('node:child_process', name, isReference ? PLAIN : REGISTER),
        play('node:child_process', name, PLAIN),
      ])
      assert.deepEqual(seen, expected)
    })
  }
})
