'use strict'

// What `require` of a module costs a process that has just started.

const path = require('node:path')
const { sample } = require('../processes')
const { ROOT, scriptOf } = require('../sides')

async function contender(side, { module }) {
  const [command, modules] = scriptOf(side)
  const script = path.join(__dirname, '..', 'fresh.js')
  return {
    measure: () => sample(command, [script, modules, module], 5, { cwd: ROOT }),
    async end() {},
  }
}

module.exports = { contender }
