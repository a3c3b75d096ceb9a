'use strict'

// What a message costs a server with many connections, and with few.

const { Server, visit } = require('./server')

async function contender(side, workload) {
  const server = new Server(side, workload)
  const address = await server.line()
  const few = { ...workload, connections: workload.fewConnections }
  return {
    async measure(seconds) {
      const [{ cpu: one }, { cpu: other }] = [
        await visit(server, address, few, seconds),
        await visit(server, address, workload, seconds),
      ]
      return { few: one, many: other, growth: other / one }
    },
    end: () => server.end(),
  }
}

module.exports = { contender }
