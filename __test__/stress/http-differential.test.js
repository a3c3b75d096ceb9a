'use strict'

// The comparison of interop/http-differential.test.js with other numbers, and more of them.

const builtIn = require('node:http')
const { http } = require('ferrowire')
const { CONFIGS, MODES, assertSame } = require('../common/differential')
const { makeCase } = require('../common/raw-requests')
const { makeProgram } = require('../common/response-programs')
const { stress } = require('./common')

const CASES = 20_000
const ROUND = 2000
const FROM = Number(process.env.DIFFERENTIAL_FROM ?? 100_000)

for (const [what, make] of [
  ['requests', (number) => makeCase(number, MODES, CONFIGS)],
  ['handlers', makeProgram],
]) {
  stress(`${CASES} generated ${what} from number ${FROM} on`, async () => {
    for (let from = FROM; from < FROM + CASES; from += ROUND) {
      const numbers = Array.from({ length: ROUND }, (_, i) => from + i)
      await assertSame(http, builtIn, numbers.map(make))
    }
  })
}
