'use strict'

// Option `onread`: bytes go into a buffer of the user's own, and a callback tells how many. The
// engine reads no more at once than fits into it.

const { isUint8Array } = require('node:util/types')
const { UV_ENOBUFS } = require('../internal/errno')
const { errnoException } = require('../internal/errors')
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

// For every handle that the socket gets.
function useUserBuffer(socket, handle) {
  const generate = socket[kBufferGen]
  if (generate !== null) {
    const buffer = generate()
    if (!isUint8Array(buffer)) return
    socket[kBuffer] = buffer
  }
  handle.limitReads(socket[kBuffer].length)
}

// Gives false when the callback wants a pause.
function readInto(socket, handle, chunk) {
  const buffer = socket[kBuffer]
  // `true` stands for a generator that gave no buffer yet.
  if (buffer !== true && buffer.length < chunk.length) {
    socket.destroy(errnoException(UV_ENOBUFS, 'read'))
    return false
  }
  if (buffer !== true) buffer.set(chunk)
  const wantsMore = socket[kBufferCb](chunk.length, buffer) !== false
  const generate = socket[kBufferGen]
  if (generate !== null) {
    const next = generate()
    if (isUint8Array(next)) {
      socket[kBuffer] = next
      if (next.length !== buffer.length) handle.limitReads(next.length)
    }
  }
  return wantsMore
}

module.exports = { readInto, setUserBuffer, useUserBuffer }
