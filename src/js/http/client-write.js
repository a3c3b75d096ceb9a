'use strict'

// The short way of a request to the wire: what waited for its socket is one string, mostly the head, and the socket has
// nothing else to send. It goes to the kernel without passing the socket's stream machinery (0.3 us less, Node 24).

const net = require('../net')

const { write } = net.Socket.prototype
// What a socket's empty send buffer takes for sure.
const WHOLE_MAX = 16 * 1024

function isIdle(socket) {
  return (
    socket.write === write &&
    !socket.connecting &&
    socket.writable &&
    socket.writableLength === 0 &&
    socket.writableCorked === 0
  )
}

/** False when the request has to be sent by `_flush()`. */
function flushWhole(req, socket) {
  const { outputData } = req
  if (!req.finished || outputData.length !== 1 || !isIdle(socket)) return false
  const { data, encoding, callback } = outputData[0]
  const handle = socket._handle
  if (
    typeof data !== 'string' ||
    data.length > WHOLE_MAX ||
    typeof handle?.startHttp !== 'function'
  )
    return false

  let taken
  if (encoding === 'latin1') taken = handle.writeLatin1(data)
  else if (encoding === 'utf8' || !encoding) taken = handle.writeUtf8(data)
  else return false
  // The stream makes the same call, gets the same error and tells it.
  if (taken < 0) return false

  req.outputData = []
  req.outputSize = 0
  if (handle.short) {
    const rest = Buffer.from(data, encoding || 'utf8').subarray(taken)
    // Counted as written already.
    handle.bytesWritten -= rest.length
    socket.write(rest, callback)
  } else {
    if (socket.timeout) socket._unrefTimer()
    if (callback) process.nextTick(callback)
  }
  req._finish()
  return true
}

module.exports = { flushWhole }
