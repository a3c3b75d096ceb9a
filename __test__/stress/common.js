'use strict'

// Long runs, only on demand: `npm run test:stress`.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { setTimeout: delay } = require('node:timers/promises')
const { test } = require('node:test')
const v8 = require('node:v8')
const vm = require('node:vm')

const gate = process.env.FERROWIRE_STRESS ? {} : { skip: 'only with FERROWIRE_STRESS=1' }
const stress = (name, run) => test(name, { timeout: 240_000, ...gate }, run)

const canCount = process.platform === 'linux'
const descriptors = () => (canCount ? fs.readdirSync('/proc/self/fd').length : 0)

// Closing is done in later turns of the loop, and a worker's in its own last one.
async function assertNoDescriptors(before) {
  for (let i = 0; i < 100 && descriptors() > before; i++) await delay(20)
  assert.ok(descriptors() <= before, `${descriptors()} descriptors are open, ${before} were before`)
}

v8.setFlagsFromString('--expose-gc')
const collect = vm.runInNewContext('gc')

// In MiB, once what is garbage has been collected.
async function settledMemory() {
  for (let i = 0; i < 3; i++) {
    collect()
    await delay(20)
  }
  const { arrayBuffers, heapUsed, rss } = process.memoryUsage()
  return { heap: (heapUsed + arrayBuffers) / 2 ** 20, rss: rss / 2 ** 20 }
}

let paths = 0
function localPath() {
  const name = `fw-stress-${process.pid}-${paths++}`
  return process.platform === 'win32' ? `\\\\.\\pipe\\${name}` : path.join(os.tmpdir(), name)
}

module.exports = { assertNoDescriptors, delay, descriptors, localPath, settledMemory, stress }
