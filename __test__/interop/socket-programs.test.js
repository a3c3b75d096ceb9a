'use strict'

// Generated programs for the two ends of a connection: each pair of ours and node:net's logs what node:net logs with itself.
//   PROGRAM=151 node --test socket-programs.test.js     only that one

const { test } = require('node:test')
const { assertSame } = require('../common/settled-programs')

const { PROGRAM } = process.env
const COUNT = 250
// Before, libuv tells a reset that it meets late as an end.
const isComparable = Number(process.versions.node.split('.', 1)[0]) >= 24
const options = { timeout: 60_000, skip: !isComparable && 'another libuv than that of Node 24' }

test('generated programs of two sockets', options, async () => {
  if (PROGRAM) return assertSame(Number(PROGRAM))
  for (let number = 0; number < COUNT; number++) await assertSame(number)
})
