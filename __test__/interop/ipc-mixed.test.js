'use strict'

// The fork channel between Ferrowire and plain Nodes of every version that is here (see
// common/nodes.js), either of them the parent: all that a message can hold, 64 MiB in one message,
// 100,000 messages in order.

const path = require('node:path')
const { describe, test } = require('node:test')
const { BUILT_IN, FERROWIRE } = require('../common/modules')
const { nodes } = require('../common/nodes')
const { runProgram } = require('../common/programs')

const ENTRY = path.join(__dirname, 'fixtures/mixed-parent.js')
const LIMIT = Number(process.env.INTEROP_TIMEOUT) || 30_000

const all = nodes()
const ours = { end: FERROWIRE, binary: process.execPath, title: 'ferrowire' }
const plain = all.map(({ version, binary }) => ({
  end: BUILT_IN,
  binary,
  title: `node ${version}`,
}))
const [here] = plain

const mixed = [
  [ours, ours],
  ...plain.flatMap((other) => [
    [ours, other],
    [other, ours],
  ]),
]
const near = [
  [ours, ours],
  [ours, here],
  [here, ours],
]
// Whether what is sent here is sent right at all.
const reference = [[here, here]]

function converse(parent, child, serialization, task) {
  const args = [ENTRY, parent.end, child.end, child.binary, serialization, task]
  return runProgram(parent.binary, args, { timeout: LIMIT })
}

const tasks = { values: mixed, huge: near, many: near }

// Poison would be for this process alone.
const skip = Boolean(process.env.FERROWIRE_POISON)

describe('fork channel between versions', { concurrency: 2, skip }, () => {
  const missing = all.length > 1 ? false : 'no other node binary: FERROWIRE_NODES lists none'
  test('other versions are here', { skip: missing }, (t) => t.assert.ok(all.length > 1))

  for (const [task, pairs] of Object.entries(tasks)) {
    for (const serialization of ['json', 'advanced']) {
      for (const [parent, child] of process.env.INTEROP === BUILT_IN ? reference : pairs) {
        test(`${task}, ${serialization}: ${parent.title} parent, ${child.title} child`, () =>
          converse(parent, child, serialization, task))
      }
    }
  }
})
