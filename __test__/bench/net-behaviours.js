'use strict'

// What the servers of the TCP and pipe rows do with a connection.

const BLOCK = Buffer.from(Uint8Array.from({ length: 64 * 1024 }, (_, i) => (i * 31) % 251))

// What the article's servers do, without their logging.
function echo(socket) {
  socket.on('data', (data) => socket.write(data))
  socket.on('error', () => {})
}

// Counts what comes and answers the end with the sum. Looking at every byte would be most of the work: the first and the last
// of each chunk show bytes that are missing, twice there or in the wrong place.
function receive(socket) {
  let count = 0
  let problem = null
  socket.on('data', (data) => {
    const last = count + data.length - 1
    if (data[0] !== BLOCK[count % BLOCK.length] || data.at(-1) !== BLOCK[last % BLOCK.length]) {
      problem ??= `wrong bytes around ${count}`
    }
    count += data.length
  })
  socket.on('end', () => socket.end(problem ?? String(count)))
  socket.on('error', () => {})
}

// Is told how much to send, with a line.
function send(socket) {
  let left = 0
  const more = () => {
    while (left > 0) {
      left -= BLOCK.length
      if (!socket.write(BLOCK)) return socket.once('drain', more)
    }
    socket.end()
  }
  socket.once('data', (data) => {
    left = Number(data)
    more()
  })
  socket.on('error', () => {})
}

module.exports = { echo, in: receive, out: send }
