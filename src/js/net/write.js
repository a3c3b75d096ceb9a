'use strict'

// Writing a stream's chunks to a handle. What the kernel takes at once is done; the rest is kept
// as views of the user's own buffers and sent when there is room, in one vectored write.

const { Buffer } = require('node:buffer')
const { UV_ECANCELED, UV_EFAULT } = require('../internal/errno')
const { errnoException } = require('../internal/errors')
const { kAfterAsyncWrite, kLastWriteQueueSize } = require('../internal/symbols')
const { callBack } = require('../outbox')
const { requestOf } = require('./request')

// Most slices that one system call takes.
const SLICES_MAX = 1024
// Node tries to write so short a text of these encodings before it counts its bytes: those of one that fails are not counted.
// (Of utf8 and latin1 the handle knows it.)
const COUNTED_FIRST = 16 * 1024
const TRIED_FIRST = new Set(['ascii', 'ucs2', 'ucs-2', 'utf16le', 'utf-16le'])

function write(socket, data, encoding, callback) {
  const handle = socket._handle
  let taken
  switch (encoding) {
    case 'buffer':
      taken = handle.writeBuffer(data)
      break
    case 'utf8':
    case 'utf-8':
      taken = handle.writeUtf8(data)
      break
    case 'latin1':
    case 'binary':
      taken = handle.writeLatin1(data)
      break
    default:
      data = Buffer.from(data, encoding)
      taken = handle.writeBuffer(data)
      if (taken < 0 && data.length <= COUNTED_FIRST && TRIED_FIRST.has(encoding))
        handle.bytesWritten -= data.length
      encoding = 'buffer'
  }
  if (taken < 0) return callback(errnoException(taken, 'write'))
  if (!handle.short) return callback()
  const bytes = encoding === 'buffer' ? data : Buffer.from(data, encoding)
  keepRest(socket, handle, [bytes], taken, callback)
}

function writev(socket, chunks, callback) {
  const handle = socket._handle
  let buffers = new Array(chunks.length)
  for (let i = 0; i < chunks.length; i++) {
    const { chunk, encoding } = chunks[i]
    buffers[i] = typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk
  }
  // libuv sends so many at once; others wait for the loop, or a source that never ends would hold that up. Such pieces are small:
  // copying them costs less than another system call.
  let later = null
  if (buffers.length > SLICES_MAX) {
    later = Buffer.concat(buffers.slice(SLICES_MAX))
    buffers = [Buffer.concat(buffers.slice(0, SLICES_MAX))]
  }
  const taken = handle.writev(buffers)
  if (taken < 0) return callback(errnoException(taken, 'write'))
  if (later !== null) {
    buffers.push(later)
    handle.bytesWritten += later.length
    if (!handle.short) handle.awaitRoom()
  } else if (!handle.short) return callback()
  keepRest(socket, handle, buffers, taken, callback)
}

// Drops the first `taken` bytes of the buffers.
function skip(buffers, taken) {
  let index = 0
  while (index < buffers.length && taken >= buffers[index].length) taken -= buffers[index++].length
  if (index > 0) buffers.splice(0, index)
  if (taken > 0) buffers[0] = buffers[0].subarray(taken)
}

function byteCount(buffers) {
  let count = 0
  for (let i = 0; i < buffers.length; i++) count += buffers[i].length
  return count
}

function keepRest(socket, handle, buffers, taken, callback) {
  // All of it, as in Node: what has left since counts as activity when the timeout comes.
  socket[kLastWriteQueueSize] = byteCount(buffers)
  skip(buffers, taken)
  handle.writeQueueSize = byteCount(buffers)
  // The callback belongs to whoever wrote, not to the handle.
  handle.unsent = { buffers, callback, resource: requestOf(socket, 'WRITEWRAP') }
}

function finish(socket, handle, error) {
  const { callback, resource } = handle.unsent
  handle.unsent = null
  handle.writeQueueSize = 0
  if (!error) {
    socket._unrefTimer()
    socket[kAfterAsyncWrite]()
  }
  callBack(resource, callback, undefined, error)
  resource.emitDestroy()
}

// The kernel has room again.
function afterRoom(socket, handle) {
  const { unsent } = handle
  if (unsent === null) return
  // Buffers belong to the user, who may have detached one meanwhile.
  if (byteCount(unsent.buffers) !== handle.writeQueueSize) {
    return finish(socket, handle, errnoException(UV_EFAULT, 'write'))
  }
  const taken = handle.writeRest(unsent.buffers)
  if (taken < 0) return finish(socket, handle, errnoException(taken, 'write'))
  if (!handle.short) return finish(socket, handle, null)
  skip(unsent.buffers, taken)
  handle.writeQueueSize -= taken
}

// The handle was closed with a write under way.
function cancelUnsent(handle) {
  const { unsent } = handle
  if (unsent == null) return
  handle.unsent = null
  const error = errnoException(UV_ECANCELED, 'write')
  callBack(unsent.resource, unsent.callback, undefined, error)
  unsent.resource.emitDestroy()
}

module.exports = { afterRoom, cancelUnsent, write, writev }
