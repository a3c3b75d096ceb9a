'use strict'

// The one place where tests name what they test. A side of a scenario is `built-in` or `ferrowire`;
// both have the same shape, so a scenario cannot tell which one it holds.

const BUILT_IN = 'built-in'
const FERROWIRE = 'ferrowire'

// Loaded on first use: a run of built-in with built-in must work, and be comparable, where the
// addon is not built.
const sides = {
  [BUILT_IN]: {
    get net() {
      return require('node:net')
    },
    get http() {
      return require('node:http')
    },
  },
  [FERROWIRE]: {
    get net() {
      return require('ferrowire/net')
    },
    get http() {
      return require('ferrowire/http')
    },
  },
}

const REFERENCE = { server: BUILT_IN, client: BUILT_IN }

const PAIRS = [
  { server: FERROWIRE, client: FERROWIRE },
  { server: FERROWIRE, client: BUILT_IN },
  { server: BUILT_IN, client: FERROWIRE },
]

const pairName = ({ server, client }) => `${server} server, ${client} client`

module.exports = { BUILT_IN, FERROWIRE, PAIRS, REFERENCE, pairName, sides }
