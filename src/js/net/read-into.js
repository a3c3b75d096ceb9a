'use strict'

// Option `onread`: bytes go into a buffer of the user's own, and a callback tells how many.

const { isUint8Array } = require('node:util/types')
const { kBuffer, kBufferCb, kBufferGen } = require('../internal/symbols')

function setUserBuffer(socket, onread) {
  if (onread === null || typeof onread !== 'object' || typeof onread.callback !== 'function') return
  if (typeof onread.buffer === 'function') {
    socket[kBuffer] = true
    socket[kBufferGen] = onread.buffer
  } else if (isUint8Array(onread.buffer)) {
    socket[kBuffer] = onread.buffer
  } else {
    return
  }
  socket[kBufferCb] = onread.callback
}

// Fills the user's buffer as often as the chunk needs. Gives false when the callback wants a
// pause; the rest waits for resume().
function readInto(socket, chunk) {
  let offset = 0
  while (offset < chunk.length) {
    const buffer = socket[kBuffer]
    const length = Math.min(buffer.length, chunk.length - offset)
    buffer.set(chunk.subarray(offset, offset + length))
    offset += length
    const wantsMore = socket[kBufferCb](length, buffer) !== false
    if (socket[kBufferGen] !== null) {
      const next = socket[kBufferGen]()
      if (isUint8Array(next)) socket[kBuffer] = next
    }
    if (socket.destroyed) return false
    if (!wantsMore || !socket._handle?.reading) {
      if (offset < chunk.length) socket[kHeldBack] = chunk.subarray(offset)
      return false
    }
  }
  return true
}

// Hands on what was held back. Gives false when the callback wants a pause again.
function resumeReadInto(socket) {
  const held = socket[kHeldBack]
  if (held === null) return true
  socket[kHeldBack] = null
  socket._handle.reading = true
  const wantsMore = readInto(socket, held)
  if (socket._handle) socket._handle.reading = false
  return wantsMore && !socket.destroyed
}

module.exports = { readInto, resumeReadInto, setUserBuffer }
