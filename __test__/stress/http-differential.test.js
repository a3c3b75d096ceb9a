'use strict'

// The comparison of interop/http-differential.test.js with other numbers, and more of them.

const builtIn = require('node:http')
const { http } = require('ferrowire')
const { CONFIGS, MODES, assertSame } = require('../common/differential')
const { isNodeFrom, otherParser } = require('../common/node-version')
const { makeCase } = require('../common/raw-requests')
const { makeProgram } = require('../common/response-programs')
const { stress } = require('./common')

const CASES = 20_000
const ROUND = 2000
const FROM = Number(process.env.DIFFERENTIAL_FROM ?? 100_000)

async function compare(make) {
  for (let from = FROM; from < FROM + CASES; from += ROUND) {
    const numbers = Array.from({ length: ROUND }, (_, i) => from + i)
    await assertSame(http, builtIn, numbers.map(make).filter(isBearable))
  }
}

// From 24.22 on Node asserts, outside of the handler's calls, that what waits corked is to be sent in chunks: a handler that
// calls that off meanwhile ends the process.
function isBearable({ program = [] }) {
  const callsOff = ([, name, value]) => name === 'chunkedEncoding' && value === false
  return !isNodeFrom('24.22') || !program.some(callsOff)
}

stress(`${CASES} generated requests from number ${FROM} on`, (t) =>
  otherParser ? t.skip(otherParser) : compare((number) => makeCase(number, MODES, CONFIGS)),
)

stress(`${CASES} generated handlers from number ${FROM} on`, () => compare(makeProgram))
