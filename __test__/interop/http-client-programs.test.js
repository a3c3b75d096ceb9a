'use strict'

// Generated programs on a client: whatever can be done with a request, its response, its connection and its agent, in any
// order and at any time, with node:http's client and with ours: both say the same, and the same goes over the wire. A program
// is its number: DIFFERENTIAL_CASE=4711 plays that one alone.

const builtIn = require('node:http')
const { test } = require('node:test')
const ferrowire = require('ferrowire/http')
const { assertSameRequests } = require('../common/request-player')
const { makeRequests } = require('../common/request-programs')

const PROGRAMS = 600
// Ours follows Node 24; what older clients do otherwise is listed in versions.js.
const major = Number.parseInt(process.versions.node, 10)
const skip = process.env.FERROWIRE_POISON
  ? 'the reference is poisoned'
  : major < 24 && `the client of Node ${major} is older`

const numbered = process.env.DIFFERENTIAL_CASE

test(`${PROGRAMS} generated programs on a client`, { skip }, () => {
  const numbers = numbered ? [Number(numbered)] : Array.from({ length: PROGRAMS }, (_, i) => i)
  return assertSameRequests(ferrowire, builtIn, numbers.map(makeRequests))
})
