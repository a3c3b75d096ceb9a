'use strict'

// Out of descriptors: a server goes on when there are some again, everything else says so.

const assert = require('node:assert/strict')
const path = require('node:path')
const { test } = require('node:test')
const { BUILT_IN, FERROWIRE } = require('../common/modules')
const { runProgram } = require('../common/programs')

const fixture = (name) => path.join(__dirname, 'fixtures', name)
// Windows has no such limit.
const options = { skip: process.platform === 'win32' }
// glibc opens a file in whichever thread first shrinks a heap of its own (to read what overcommit is set to). Closed a
// moment later, it leaves the program a descriptor where it counts on none; with one heap for all threads it is not opened.
const env = { ...process.env, MALLOC_ARENA_MAX: '1' }

async function runShort(...argv) {
  const command = 'ulimit -n 64; exec "$0" "$@"'
  const { stdout } = await runProgram('/bin/sh', ['-c', command, process.execPath, ...argv], {
    env,
  })
  return stdout
}

for (const kind of [BUILT_IN, FERROWIRE]) {
  for (const over of ['tcp', 'local']) {
    test(`no descriptors over ${over}: ${kind}`, options, async () => {
      assert.equal(await runShort(fixture('exhausted.js'), kind, over), 'survived\n')
    })
  }
}

test('no descriptors to connect, listen and bind', options, async () => {
  const [theirs, ours] = await Promise.all(
    [BUILT_IN, FERROWIRE].map((kind) => runShort(fixture('no-descriptors.js'), kind)),
  )
  assert.match(theirs, /EMFILE/)
  assert.equal(ours, theirs)
})
