'use strict'

// A frame may be cut anywhere between two reads: inside a character, inside the length. Each byte,
// or each of two parts, is written only when the ones before have been read.

const { EventEmitter, once } = require('node:events')
const fs = require('node:fs')
const { setImmediate: turn } = require('node:timers/promises')
const v8 = require('node:v8')
const { test } = require('node:test')
const { closeFd, localPair } = require('../../src/js/engine')
const { openChannel } = require('../../src/js/internal/channel')

const messages = [
  'é żółw ☃ 𝄞 \u{10ffff} \u0080\u07ff\u0800\uffff',
  { ключ: ['☃', { '𝄞': 'ÿ\u0100' }], n: -1.5, ok: true, none: null },
  '',
  17,
]

const frames = {
  json: (message) => Buffer.from(JSON.stringify(message) + '\n'),
  advanced(message) {
    const body = v8.serialize(message)
    const length = Buffer.alloc(4)
    length.writeUInt32BE(body.length)
    return Buffer.concat([length, body])
  },
}

function open(t, serialization) {
  const { handle, childFd } = localPair()
  const target = new EventEmitter()
  openChannel(target, handle, serialization)
  t.after(() => {
    closeFd(childFd)
    target.disconnect()
  })
  const seen = []
  target.on('message', (message) => seen.push(message))
  let written = 0
  return {
    target,
    seen,
    async write(bytes) {
      if (bytes.length === 0) return
      written += fs.writeSync(childFd, bytes)
      while (handle.bytesRead < written) await turn()
    },
  }
}

for (const [serialization, frameOf] of Object.entries(frames)) {
  test(`${serialization}: one byte at a time`, async (t) => {
    const { seen, write } = open(t, serialization)
    for (const byte of Buffer.concat(messages.map(frameOf))) await write(Buffer.of(byte))
    await turn()
    t.assert.deepStrictEqual(seen, messages)
  })

  test(`${serialization}: cut in two at every place`, async (t) => {
    const { seen, write } = open(t, serialization)
    let rounds = 0
    for (const message of messages) {
      const bytes = frameOf(message)
      for (let cut = 0; cut <= bytes.length; cut++, rounds++) {
        await write(bytes.subarray(0, cut))
        await write(bytes.subarray(cut))
        await turn()
        t.assert.deepStrictEqual(seen, [message], `cut at ${cut}`)
        seen.length = 0
      }
    }
    t.assert.ok(rounds > 100)
  })

  test(`${serialization}: a frame that the end of the stream cuts off is none`, async (t) => {
    t.plan(2)
    const { handle, childFd } = localPair()
    const target = new EventEmitter()
    openChannel(target, handle, serialization)
    const seen = []
    target.on('message', (message) => seen.push(message))
    const [first, second] = messages.map(frameOf)
    fs.writeSync(childFd, Buffer.concat([first, second.subarray(0, -1)]))
    closeFd(childFd)
    await once(target, 'disconnect')
    t.assert.deepStrictEqual(seen, [messages[0]])
    t.assert.strictEqual(target.channel, null)
  })
}
