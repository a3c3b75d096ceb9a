'use strict'

// node server.js SIDE tcp|pipe|http [PATH]     a server in a process of its own
// Prints its address when it listens. A line on stdin is answered with the CPU time used so far; the end of stdin ends it.

const { sides } = require('./sides')

const [side, transport, localPath] = process.argv.slice(2)
const { load } = sides[side]

// What the article's servers do, without their logging.
function echo(socket) {
  socket.on('data', (data) => socket.write(data))
  socket.on('error', () => {})
}

function createServer() {
  if (transport === 'http') return load('http').createServer((req, res) => res.end(req.url))
  return load('net').createServer(echo)
}

const server = createServer()
server.listen(transport === 'pipe' ? localPath : { port: 0, host: '127.0.0.1' }, () => {
  console.log(String(localPath ?? server.address().port))
})

process.stdin.on('data', () => {
  const { user, system } = process.cpuUsage()
  console.log(JSON.stringify({ user, system }))
})
process.stdin.on('end', () => process.exit())
