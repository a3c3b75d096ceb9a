'use strict'

// Long JSON lines on a fork channel leave in pieces: whatever the kernel takes at a time, the bytes
// are those of the whole text.

const { test } = require('node:test')
const { UnsentBytes, UnsentText } = require('../../src/js/internal/unsent')

const PIECE = 256 * 1024

// Takes `room` bytes at a time, as a socket whose peer reads that many.
class Taker {
  short = false
  taken = []
  writes = 0
  #room

  constructor(room) {
    this.#room = room
  }

  writeRest([bytes]) {
    const sent = Math.min(this.#room, bytes.length)
    this.writes++
    this.short = sent < bytes.length
    // A copy: the memory is used again.
    this.taken.push(Buffer.from(bytes.subarray(0, sent)))
    return sent
  }
}

const texts = {
  ascii: 'x'.repeat(3 * PIECE + 17),
  'just one piece': 'x'.repeat(PIECE),
  'a piece with its newline': 'x'.repeat(PIECE - 1),
  'two bytes each': 'ö'.repeat(PIECE + 5),
  'three bytes each': '☃'.repeat(PIECE),
  'surrogates at the end of a piece': 'x' + '𝄞'.repeat(PIECE),
  'ascii, then not': 'x'.repeat(2 * PIECE - 3) + '𝄞ö☃'.repeat(1000) + 'x'.repeat(PIECE),
  'a short rest': '☃'.repeat(70),
  empty: '',
}

for (const [name, text] of Object.entries(texts)) {
  test(`a long text leaves whole: ${name}`, (t) => {
    const whole = Buffer.from(text + '\n')
    for (const room of [1 << 30, PIECE, 219_264, 100_003, 5]) {
      if (whole.length / room > 100) continue
      const taker = new Taker(room)
      const unsent = new UnsentText(text, {})
      t.assert.strictEqual(unsent.count(), whole.length)
      let sent = 0
      while (!unsent.isWritten) {
        const count = unsent.write(taker)
        sent += count
        t.assert.strictEqual(taker.short, !unsent.isWritten)
        t.assert.strictEqual(unsent.count(), whole.length - sent)
      }
      t.assert.ok(Buffer.concat(taker.taken).equals(whole), `${room} at a time`)
    }
  })
}

test('two texts share their memory and not their bytes', (t) => {
  const texts = ['☃'.repeat(PIECE), 'y'.repeat(PIECE)]
  const takers = [new Taker(50_000), new Taker(50_000)]
  const unsent = texts.map((text) => new UnsentText(text, {}))
  while (unsent.some(({ isWritten }) => !isWritten)) {
    for (const [i, text] of unsent.entries()) if (!text.isWritten) text.write(takers[i])
  }
  for (const [i, text] of texts.entries()) {
    t.assert.ok(Buffer.concat(takers[i].taken).equals(Buffer.from(text + '\n')))
  }
})

test('an error of the write is told, and ends nothing', (t) => {
  const failing = { writeRest: () => -32 }
  for (const unsent of [new UnsentText('x', {}), new UnsentBytes(Buffer.from('x'), {})]) {
    t.assert.strictEqual(unsent.write(failing), -32)
    t.assert.strictEqual(unsent.isWritten, false)
  }
})
