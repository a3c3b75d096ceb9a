'use strict'

// Workers of node:cluster that listen on one port: under the preload as without it.

const assert = require('node:assert/strict')
const path = require('node:path')
const { test } = require('node:test')
const { localPath, removePath } = require('../common/endpoints')
const { runProgram } = require('../common/programs')

const APP = path.join(__dirname, 'fixtures', 'cluster-app.js')
const PRELOAD = ['--require', require.resolve('ferrowire/register')]
const POISON = ['--require', path.join(__dirname, '..', 'common', 'poison.js')]
const { FERROWIRE_POISON } = process.env

async function play(preloads, policy, kind) {
  const place = localPath()
  try {
    const args = [...preloads, APP, policy, kind, place]
    const options = { timeout: 20_000 }
    const { stdout, stderr } = await runProgram(process.execPath, args, options)
    assert.equal(stderr, '')
    return JSON.parse(stdout)
  } finally {
    removePath(place)
  }
}

for (const policy of ['SCHED_RR', 'SCHED_NONE']) {
  for (const kind of ['tcp', 'local', 'http']) {
    // A handle that workers share is made by Node, and the primary accepts nothing on it.
    const isPoisoned = FERROWIRE_POISON && policy === 'SCHED_RR'
    const preloads = isPoisoned ? [...PRELOAD, ...POISON] : PRELOAD
    test(`${kind} workers, ${policy}`, async () => {
      const [theirs, ours] = await Promise.all([
        play([], policy, kind),
        play(preloads, policy, kind),
      ])
      assert.deepEqual(ours, theirs)
    })
  }
}
