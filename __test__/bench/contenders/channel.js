'use strict'

// A fork and its child. The parent's process does all of the measuring; the rate is in the workload's unit.

const path = require('node:path')
const { sample } = require('../processes')
const { scriptOf } = require('../sides')

async function contender(side, { talk, size }) {
  const [command, modules] = scriptOf(side)
  const script = path.join(__dirname, '..', 'ipc-parent.js')
  return {
    async measure(seconds) {
      const args = [script, modules, seconds, talk]
      const { count, seconds: spent, micros, note } = await sample(command, args, seconds)
      return { rate: micros ?? (count * size) / spent, note }
    },
    async end() {},
  }
}

module.exports = { contender }
