'use strict'

// Ends in the middle of everything: a thread that is terminated, a process that exits. Nothing may crash, nothing may leak.

const assert = require('node:assert/strict')
const path = require('node:path')
const { once } = require('node:events')
const { spawn } = require('node:child_process')
const { Worker } = require('node:worker_threads')
const { assertNoDescriptors, delay, descriptors, stress } = require('./common')

const BUSY = path.join(__dirname, 'fixtures', 'busy.js')
const CYCLES = 100
const WARM_UP = 10
// Of resident memory over the cycles after the warm-up; V8 keeps some of what a worker had.
const ALLOWED_MIB = 64

async function cycle(i) {
  const worker = new Worker(BUSY)
  worker.on('error', (error) => assert.fail(error))
  await once(worker, 'message')
  await delay(i % 7)
  await worker.terminate()
}

stress(`${CYCLES} workers terminated under load`, async () => {
  for (let i = 0; i < WARM_UP; i++) await cycle(i)
  const before = descriptors()
  const memory = process.memoryUsage.rss()
  for (let i = 0; i < CYCLES; i++) await cycle(i)
  await assertNoDescriptors(before)
  const grown = (process.memoryUsage.rss() - memory) / 2 ** 20
  assert.ok(grown < ALLOWED_MIB, `resident memory grew by ${grown.toFixed(0)} MiB`)
})

stress('workers under load side by side', async () => {
  await cycle(0)
  const before = descriptors()
  for (let round = 0; round < 5; round++) {
    await Promise.all(Array.from({ length: 4 }, (_, i) => cycle(i)))
  }
  await assertNoDescriptors(before)
})

stress('60 processes that exit in mid-transfer', async () => {
  for (let i = 0; i < 60; i++) {
    const child = spawn(process.execPath, [BUSY, String(1 + i * 3)], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let errors = ''
    child.stderr.setEncoding('utf8').on('data', (text) => (errors += text))
    const [code, signal] = await once(child, 'close')
    assert.deepEqual({ code, signal, errors }, { code: 0, signal: null, errors: '' })
  }
})
