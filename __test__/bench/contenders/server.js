'use strict'

// A server that stands in a process of its own; the load visits it for each sample.

const path = require('node:path')
const { LIMIT } = require('../programs')
const { Load, Process, localPath, pin } = require('../processes')
const { scriptOf } = require('../sides')

class Server extends Process {
  #local

  constructor(side, { does, isLocal, isPreloaded }, runtimeArgs = []) {
    const local = isLocal ? localPath() : null
    const where = local === null ? [] : [local.address]
    const [command, modules] = scriptOf(side)
    const script = path.join(__dirname, '..', 'server.js')
    if (isPreloaded && side === 'ferrowire')
      runtimeArgs = ['--require', require.resolve('ferrowire/register')]
    if (side === 'limit') super(LIMIT, [does, ...where])
    else super(command, [...runtimeArgs, script, modules, does, ...where])
    this.#local = local
  }

  // { rss } in bytes and { cpu } in microseconds, so far.
  async usage() {
    return JSON.parse(await this.ask())
  }

  async end() {
    await super.end()
    this.#local?.remove()
  }
}

// What the load says, and the processor time that the server spent on it.
async function visit(server, address, workload, seconds) {
  const load = new Load(workload, address, seconds)
  try {
    await load.ready()
    const problem = workload.isPinned ? pin(server.pid, load.pid) : null
    const before = await server.usage()
    const result = await load.measure()
    const cpu = (await server.usage()).cpu - before.cpu
    const note = problem === null ? undefined : `not pinned: ${problem}`
    return { ...result, cpu: cpu / result.count, note }
  } finally {
    await load.end()
  }
}

// `rate` of a row that counts, else what the load says itself.
async function contender(side, workload) {
  const server = new Server(side, workload)
  const address = await server.line()
  return {
    async measure(seconds) {
      const result = await visit(server, address, workload, seconds)
      return { ...result, rate: (result.count / result.seconds) * (workload.scale ?? 1) }
    },
    end: () => server.end(),
  }
}

module.exports = { Server, contender, visit }
