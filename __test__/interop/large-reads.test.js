'use strict'

// Large reads bring buffers of their own, several in a flow. What a listener keeps must stay as it came, whatever is read after
// it and on whichever connection.

const { scenario } = require('../common/harness')
const { isNodeFrom } = require('../common/node-version')
const { closed, event } = require('../common/tools')

const CONNECTIONS = 12
const ROUNDS = 6
const SIZES = [16_384, 20_000, 65_536, 300_000, 10, 70_000, 5_000, 131_072, 40_000, 1]
const TOTAL = ROUNDS * SIZES.reduce((sum, size) => sum + size)

// Tells connection and place of each byte, well enough.
const byteAt = (number, at) => (number * 37 + at * 31 + (at >> 8)) & 0xff

function bytesOf(number) {
  const bytes = Buffer.alloc(TOTAL)
  for (let at = 0; at < TOTAL; at++) bytes[at] = byteAt(number, at)
  return bytes
}

// Sends in pieces of many sizes, a turn apart, so that reads of all lengths meet on the other side.
async function send(run, peer, number) {
  const bytes = bytesOf(number)
  let at = 0
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < SIZES.length; i++) {
      const size = SIZES[(i + number) % SIZES.length]
      if (!peer.write(bytes.subarray(at, at + size))) await event(peer, 'drain')
      at += size
      if ((i + number) % 3 === 0) await run.turns(1)
    }
  }
  peer.end()
}

// Where chunks lie, as intervals of their memory.
function overlaps(chunks) {
  const taken = new Map()
  return chunks.some(({ buffer, byteOffset, length }) => {
    const others = taken.get(buffer) ?? []
    taken.set(buffer, [...others, [byteOffset, byteOffset + length]])
    return others.some(([from, to]) => byteOffset < to && from < byteOffset + length)
  })
}

scenario('chunks that are kept', { timeout: 30000 }, async (run) => {
  const { server, client } = run
  let accepted = 0
  const listener = server.net.createServer((peer) => {
    const number = accepted++
    server.log('connection')
    peer.write(Buffer.from([number]))
    send(run, peer, number)
  })
  const target = await run.listen(listener)
  const all = []
  const read = async () => {
    const socket = client.net.connect(target)
    const chunks = []
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      all.push(chunk)
    })
    await closed(socket)
    return { socket, chunks }
  }
  const ends = await Promise.all(Array.from({ length: CONNECTIONS }, read))
  client.log('apart', !overlaps(all))
  // Since 24.22 Node hands out what fills most of a buffer together with that.
  const areAlone = all.every(({ buffer, length }) => buffer.byteLength === length)
  client.log('alone in their memory', areAlone || isNodeFrom('24.22'))
  const seen = new Set()
  for (const { socket, chunks } of ends) {
    const bytes = Buffer.concat(chunks)
    const number = bytes[0]
    seen.add(number)
    const same = bytes.subarray(1).equals(bytesOf(number))
    client.log(bytes.length === TOTAL + 1, socket.bytesRead === bytes.length, same)
  }
  client.log('each once', seen.size === CONNECTIONS)
  await run.close(listener)
})

for (const [name, stop] of Object.entries({
  paused: (socket) => socket.pause(),
  destroyed: (socket) => socket.destroy(),
})) {
  scenario(`a flow that is ${name} by a listener`, { timeout: 20000 }, async (run) => {
    const { server, client } = run
    const listener = server.net.createServer((peer) => {
      server.log('connection')
      peer.on('error', () => {})
      peer.end(Buffer.alloc(8_000_000, 'x'))
    })
    const target = await run.listen(listener)
    const socket = client.net.connect(target)
    let bytes = 0
    let isStopped = false
    let late = 0
    socket.on('data', (chunk) => {
      bytes += chunk.length
      if (isStopped) late++
      // By now several buffers are filled at once.
      if (isStopped || bytes < 2_000_000) return
      isStopped = true
      stop(socket)
      setImmediate(() => socket.emit('stopped'))
    })
    const over = closed(socket)
    await event(socket, 'stopped')
    await run.turns(10)
    client.log('nothing more', late, socket.destroyed)
    client.log('the rest waits', socket.readableLength > 0, socket.readableLength < 400_000)
    const { bytesRead } = socket
    client.log('counted', bytesRead >= bytes, bytesRead - socket.readableLength === bytes)
    isStopped = false
    bytes = -Infinity
    socket.resume()
    await over
    client.log(socket.bytesRead === 8_000_000)
    await run.close(listener)
  })
}
