'use strict'

// Generated and mutated requests, whole and in pieces, to node:http's server and to ours, and handlers that do whatever can
// be done with a response: the same bytes come back and the same events happen. A case is its number: DIFFERENTIAL_CASE=4711
// plays that one alone.

const builtIn = require('node:http')
const { test } = require('node:test')
const ferrowire = require('ferrowire/http')
const { CONFIGS, MODES, assertSame } = require('../common/differential')
const { splits } = require('../common/mutations')
const { isNodeFrom, otherParser } = require('../common/node-version')
const { BASES, SEVERAL, makeCase } = require('../common/raw-requests')
const { makeProgram } = require('../common/response-programs')

const CASES = 2000
const PROGRAMS = 1000
const skip = process.env.FERROWIRE_POISON ? 'the reference is poisoned' : otherParser

// Node 26 hands another stream to the listeners for 'upgrade'.
const isComparable = ({ pieces }) => !isNodeFrom(26) || !/upgrade/i.test(Buffer.concat(pieces))

const numbered = process.env.DIFFERENTIAL_CASE

const upTo = (count) =>
  numbered ? [Number(numbered)] : Array.from({ length: count }, (_, number) => number)

test(`${CASES} generated requests`, { skip }, () => {
  const cases = upTo(CASES).map((number) => makeCase(number, MODES, CONFIGS))
  return assertSame(ferrowire, builtIn, cases.filter(isComparable))
})

// Those with an Upgrade field have a config that follows it, see raw-requests.js.
test('requests cut at every byte', { skip: skip || numbered !== undefined }, () => {
  const cases = [...BASES, ...SEVERAL].flatMap((text, which) => {
    const config = /upgrade/i.test(text) ? 'hearing' : CONFIGS[which % CONFIGS.length]
    const mode = MODES[which % MODES.length]
    // Of long ones a sample.
    const step = Math.ceil(text.length / 100)
    return [...splits(text, step)].map((pieces, i) => ({
      name: `${which}.${i}`,
      config,
      mode,
      pieces,
    }))
  })
  return assertSame(ferrowire, builtIn, cases.filter(isComparable))
})

test(`${PROGRAMS} generated handlers`, { skip: process.env.FERROWIRE_POISON ? skip : false }, () =>
  assertSame(ferrowire, builtIn, upTo(PROGRAMS).map(makeProgram)),
)
