'use strict'

// A server that is out of descriptors goes on when there are some again.

const assert = require('node:assert/strict')
const path = require('node:path')
const { execFile } = require('node:child_process')
const { promisify } = require('node:util')
const { test } = require('node:test')
const { BUILT_IN, FERROWIRE } = require('../common/modules')

const run = promisify(execFile)
const fixture = path.join(__dirname, 'fixtures', 'exhausted.js')
// Windows has no such limit.
const options = { skip: process.platform === 'win32', timeout: 30_000 }

for (const kind of [BUILT_IN, FERROWIRE]) {
  for (const over of ['tcp', 'local']) {
    test(`no descriptors over ${over}: ${kind}`, options, async () => {
      const command = 'ulimit -n 64; exec "$0" "$@"'
      const argv = ['-c', command, process.execPath, fixture, kind, over]
      const { stdout } = await run('/bin/sh', argv)
      assert.equal(stdout, 'survived\n')
    })
  }
}
