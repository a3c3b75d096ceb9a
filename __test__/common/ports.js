'use strict'

// TCP ports that nobody listens on, for who is to be refused, or for a program that wants to be told its port. From below
// the range that kernels choose from: a port of that range may be given to somebody else at any time.

const { once } = require('node:events')

const FIRST = 12_400
const COUNT = 20_000

// Whether a listener could have this port on every address.
async function isFree(net, port) {
  const server = net.createServer().listen(port, '0.0.0.0')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}

/** A free port that is not among the `used` ones; `net`: the module to look with. */
async function freePort(net, used = new Set()) {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * COUNT)
    if (!used.has(port) && (await isFree(net, port))) return port
  }
}

module.exports = { freePort }
