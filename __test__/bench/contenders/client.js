'use strict'

// An HTTP client, against the peer. Its process does all of the measuring.

const path = require('node:path')
const { PEER } = require('../programs')
const { Process, sample } = require('../processes')
const { OTHERS, ROOT, others, scriptOf } = require('../sides')

async function contender(side, { talk, connections, scale = 1 }) {
  const [command, modules] = scriptOf(side)
  const script = path.join(__dirname, '..', 'http-client.js')
  const options = { cwd: side in others ? OTHERS : ROOT }
  const peer = new Process(PEER, [])
  const port = await peer.line()
  return {
    async measure(seconds) {
      const args = [script, modules, talk, port, connections, seconds]
      const { count, seconds: spent, cpu } = await sample(command, args, seconds, options)
      return { rate: (count / spent) * scale, cpu }
    },
    end: () => peer.end(),
  }
}

module.exports = { contender }
