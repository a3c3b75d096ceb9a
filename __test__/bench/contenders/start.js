'use strict'

// How long a forked child takes to its first message, all that its process loads included.

const path = require('node:path')
const { sample } = require('../processes')
const { ROOT, scriptOf } = require('../sides')

async function contender(side) {
  const [command, modules] = scriptOf(side)
  const script = path.join(__dirname, '..', 'start.js')
  return {
    measure: () => sample(command, [script, modules], 10, { cwd: ROOT }),
    async end() {},
  }
}

module.exports = { contender }
