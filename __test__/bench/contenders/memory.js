'use strict'

// What a connection that does nothing costs in resident memory. Each sample has a server of its own: memory that was used once
// stays with a process.

const { execFileSync } = require('node:child_process')
const { Load } = require('../processes')
const { Server } = require('./server')

// Of the descriptors that a process may have, so many are for other things.
const OTHER_DESCRIPTORS = 200
// Compiles everything and fills the pools that every process has once.
const FIRST = 200

function descriptorLimit() {
  if (process.platform === 'win32') return Infinity
  const text = execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim()
  return text === 'unlimited' ? Infinity : Number(text)
}

async function hold(address, connections, measure) {
  const load = new Load({ talk: 'hold', connections, size: 64 }, address, 10)
  try {
    await load.ready()
    const { count } = await load.measure()
    if (count !== connections) throw new Error(`${connections} connections, ${count} are held`)
    return await measure?.()
  } finally {
    await load.end()
  }
}

async function contender(side, workload) {
  const connections = Math.min(workload.connections, descriptorLimit() - OTHER_DESCRIPTORS)
  const limited = `only ${connections} connections: the limit of descriptors allows no more`
  return {
    async measure() {
      const server = new Server(side, { ...workload, does: 'echo' }, ['--expose-gc'])
      try {
        const address = await server.line()
        await hold(address, Math.min(FIRST, connections))
        const { rss: before } = await server.usage()
        const { rss } = await hold(address, connections, () => server.usage())
        return {
          rate: (rss - before) / connections / 1000,
          note: connections < workload.connections ? limited : undefined,
        }
      } finally {
        await server.end()
      }
    },
    async end() {},
  }
}

module.exports = { contender }
