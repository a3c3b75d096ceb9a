'use strict'

// node server.js SIDE BEHAVIOUR [PATH]     a server in a process of its own, on a port or on the path
// Prints its address when it listens. A line on stdin is answered with { cpu, rss }: the microseconds of processor time used so
// far, and the resident bytes. The end of stdin ends it.

const { sides } = require('./sides')
const httpBehaviours = require('./http-behaviours')
const netBehaviours = require('./net-behaviours')

const [side, behaviour, localPath] = process.argv.slice(2)
const { load } = sides[side]

const server = Object.hasOwn(netBehaviours, behaviour)
  ? load('net').createServer(netBehaviours[behaviour])
  : load('http').createServer(httpBehaviours[behaviour]())

server.listen(localPath ?? { port: 0, host: '127.0.0.1' }, () => {
  console.log(String(localPath ?? server.address().port))
})

process.stdin.on('data', () => {
  globalThis.gc?.()
  const { user, system } = process.cpuUsage()
  console.log(JSON.stringify({ cpu: user + system, rss: process.memoryUsage().rss }))
})
process.stdin.on('end', () => process.exit())
