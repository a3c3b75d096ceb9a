'use strict'

// What belongs to who has sent: the async context of a callback, messages of a tick in which the process turns into another
// program, and the error of a handle that is none yet.

const assert = require('node:assert/strict')
const { AsyncLocalStorage } = require('node:async_hooks')
const { once } = require('node:events')
const { test } = require('node:test')
const { fork } = require('ferrowire/child_process')
const net = require('ferrowire/net')

const READS = ['-e', 'process.on("message", () => {})']

function forkScript(script) {
  return fork('-e', [script], { execArgv: [], stdio: 'inherit' })
}

test('callbacks of messages that had to wait', { timeout: 10000 }, async () => {
  const context = new AsyncLocalStorage()
  const child = context.run('fork', () => forkScript(READS[1]))
  const names = ['first', 'second', 'third']
  const send = (name) =>
    new Promise((resolve) => {
      context.run(name, () => child.send('x'.repeat(2e6), () => resolve(context.getStore())))
    })
  assert.deepEqual(await Promise.all(names.map(send)), names)
  child.disconnect()
  await once(child, 'exit')
})

test('messages before process.execve()', { skip: !process.execve, timeout: 10000 }, async () => {
  const child = forkScript(`
    for (const text of ['a', 'b', 'c']) process.send(text)
    process.execve(process.execPath, [process.execPath, '-e', ''], process.env)`)
  const got = []
  child.on('message', (message) => got.push(message))
  await once(child, 'exit')
  assert.deepEqual(got, ['a', 'b', 'c'])
})

test('a socket without a descriptor', { timeout: 10000 }, async () => {
  const child = forkScript(READS[1])
  const socket = net.connect({ port: 1, host: 'waits.test', lookup: () => {} })
  const error = await new Promise((resolve) => child.send('socket', socket, resolve))
  assert.deepEqual([error?.code, error?.syscall], ['EBADF', 'write'])
  child.disconnect()
  await once(child, 'exit')
})
