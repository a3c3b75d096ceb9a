'use strict'

// The comparisons of interop/http-client-differential.test.js and http-client-programs.test.js with other numbers, and more.

const builtIn = require('node:http')
const { http } = require('ferrowire')
const { CLIENTS, READINGS, assertSameClient } = require('../common/client-differential')
const { otherParser } = require('../common/node-version')
const { makeCase } = require('../common/raw-responses')
const { assertSameRequests } = require('../common/request-player')
const { makeRequests } = require('../common/request-programs')
const { stress } = require('./common')

const CASES = 40_000
const ROUND = 2000
const FROM = Number(process.env.DIFFERENTIAL_FROM ?? 100_000)

// Ours follows Node 24; what older clients do otherwise is listed in common/versions.js.
const isOlder = Number.parseInt(process.versions.node, 10) < 24

stress(`${CASES} generated programs from number ${FROM} on`, async (t) => {
  if (isOlder) return t.skip('the client of this Node is older')
  for (let from = FROM; from < FROM + CASES; from += ROUND) {
    const numbers = Array.from({ length: ROUND }, (_, i) => from + i)
    await assertSameRequests(http, builtIn, numbers.map(makeRequests))
  }
})

stress(`${CASES} generated answers from number ${FROM} on`, async (t) => {
  if (otherParser) return t.skip(otherParser)
  for (let from = FROM; from < FROM + CASES; from += ROUND) {
    const numbers = Array.from({ length: ROUND }, (_, i) => from + i)
    const cases = numbers.map((number) => makeCase(number, CLIENTS, READINGS))
    await assertSameClient(http, builtIn, cases)
  }
})
