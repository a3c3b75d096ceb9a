'use strict'

// The comparison of interop/http-client-differential.test.js with other numbers, and more of them.

const builtIn = require('node:http')
const { http } = require('ferrowire')
const { CLIENTS, READINGS, assertSameClient } = require('../common/client-differential')
const { makeCase } = require('../common/raw-responses')
const { stress } = require('./common')

const CASES = 40_000
const ROUND = 2000
const FROM = Number(process.env.DIFFERENTIAL_FROM ?? 100_000)

stress(`${CASES} generated answers from number ${FROM} on`, async () => {
  for (let from = FROM; from < FROM + CASES; from += ROUND) {
    const numbers = Array.from({ length: ROUND }, (_, i) => from + i)
    const cases = numbers.map((number) => makeCase(number, CLIENTS, READINGS))
    await assertSameClient(http, builtIn, cases)
  }
})
