'use strict'

// What the programs of users share: each runs alone in its process and prints what it saw, a lane for each side, because
// two ends of a connection are not ordered.

const { createHash } = require('node:crypto')
const { once } = require('node:events')
const { freePort } = require('../../common/ports')

const HOST = '127.0.0.1'
const PATIENCE_MS = 60_000

const lanes = {}
const ports = new Map()

// Ports differ from run to run, and dates.
function plain(text) {
  let result = text.replace(/\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT/g, '<date>')
  for (const [port, name] of ports)
    result = result.replaceAll(new RegExp(`\\b${port}\\b`, 'g'), name)
  return result
}

function lane(name) {
  const entries = (lanes[name] ??= [])
  return (...entry) => entries.push(entry)
}

function digest(bytes) {
  if (bytes.length < 200) return bytes.toString('latin1')
  return `${bytes.length} bytes, ${createHash('sha256').update(bytes).digest('hex')}`
}

async function listen(server, name = 'port') {
  server.listen(0, HOST)
  await once(server, 'listening')
  const { port } = server.address()
  ports.set(port, `<${name}>`)
  return port
}

// A port that nobody listens on.
async function vacancy(name) {
  const port = await freePort(require('net'))
  ports.set(port, `<${name}>`)
  return port
}

const turn = () => new Promise((resolve) => setImmediate(resolve))

async function until(isSo) {
  while (!isSo()) await turn()
}

/** Runs `main` and prints all lanes. A process that does not come to its end by itself has left something open. */
function run(main) {
  const timer = setTimeout(() => {
    console.error('not done, until now:', plain(JSON.stringify(lanes, null, 1)))
    process.exit(1)
  }, PATIENCE_MS).unref()
  process.on('exit', () => {
    clearTimeout(timer)
    const isOurs = require('net') === require('ferrowire/net')
    process.stdout.write(plain(JSON.stringify({ isOurs, lanes })))
  })
  main().catch((error) => {
    console.error(error)
    process.exit(1)
  })
}

module.exports = { HOST, digest, lane, listen, run, turn, until, vacancy }
