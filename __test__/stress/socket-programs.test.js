'use strict'

// Generated conversations of two sockets: each pair of ours and node:net's logs what node:net logs with itself.

const assert = require('node:assert/strict')
const { isDeepStrictEqual } = require('node:util')
const { PAIRS, REFERENCE, pairName } = require('../common/modules')
const { assertSame } = require('../common/settled-programs')
const { makeSockets, playSockets } = require('../common/socket-programs')
const { stress } = require('./common')

const PROGRAMS = 1500
const SETTLED = 5000
const LANES = 8
const FROM = Number(process.env.PROGRAMS_FROM ?? 0)
// Before, libuv tells a reset that it meets late as an end.
const isComparable = Number(process.versions.node.split('.', 1)[0]) >= 24

// A difference counts when it is there twice while the reference stays the same: a busy machine cuts bytes and closes
// connections between other turns of the loop.
async function differs(program, pair) {
  let found = 0
  for (let i = 0; i < 6; i++) {
    const expected = await playSockets(program, REFERENCE)
    const actual = await playSockets(program, pair)
    if (isDeepStrictEqual(actual, expected)) return null
    const isSteady = isDeepStrictEqual(await playSockets(program, REFERENCE), expected)
    if (isSteady && ++found === 2) return { actual, expected }
  }
  return null
}

stress(`${PROGRAMS} conversations from number ${FROM} on`, async (t) => {
  if (!isComparable) return t.skip('another libuv than that of Node 24')
  let next = FROM
  const lane = async () => {
    while (next < FROM + PROGRAMS) {
      const number = next++
      const program = makeSockets(number)
      for (const pair of PAIRS) {
        const found = await differs(program, pair)
        const about = `conversation ${number}, ${pairName(pair)}: ${JSON.stringify(program)}`
        if (found) assert.deepEqual(found.actual, found.expected, about)
      }
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
})

stress(`${SETTLED} programs that wait for what they do, from number ${FROM} on`, async (t) => {
  if (!isComparable) return t.skip('another libuv than that of Node 24')
  for (let number = FROM; number < FROM + SETTLED; number++) await assertSame(number)
})
