'use strict'

// The short way of a message's bytes to the wire: all that it has queued is little, and the socket has nothing else to
// send. It goes to the kernel in one call, without passing the socket's stream machinery.

const process = require('node:process')
const { Buffer } = require('node:buffer')
const net = require('../net')
const { kHandle } = require('../internal/symbols')

const { _write, _writeGeneric, write } = net.Socket.prototype
// What a socket's empty send buffer takes for sure.
const WHOLE_MAX = 16 * 1024

/** Whether a socket of ours is free to be written past its stream. */
function isIdle(socket) {
  return (
    socket.write === write &&
    socket._write === _write &&
    socket._writeGeneric === _writeGeneric &&
    !socket.connecting &&
    socket.writable &&
    socket.writableLength === 0 &&
    socket.writableCorked === 0 &&
    typeof socket[kHandle]?.startHttp === 'function'
  )
}

// `data` is as OutgoingMessage queues it: a string with its encoding, or bytes.
function byteLength({ data, encoding }) {
  if (typeof data !== 'string') return data.byteLength
  return encoding === 'latin1' ? data.length : Buffer.byteLength(data, encoding)
}

function join(items, size) {
  const bytes = Buffer.allocUnsafe(size)
  let at = 0
  for (const { data, encoding } of items) {
    if (typeof data === 'string') {
      at += bytes.write(data, at, encoding || 'utf8')
    } else {
      bytes.set(data, at)
      at += data.byteLength
    }
  }
  // Of a text that is no base64 or hex less is written than was counted.
  return bytes.subarray(0, at)
}

/** Bytes of `items`; more than WHOLE_MAX is not counted to its end. */
function sizeOf(items) {
  let size = 0
  for (let i = 0; i < items.length && size <= WHOLE_MAX; i++) size += byteLength(items[i])
  return size
}

/** Gives what the kernel did not take, null for nothing, undefined after an error: the stream meets it again. */
function send(handle, items, size) {
  const [{ data, encoding }] = items
  let bytes = null
  let taken
  if (items.length === 1 && encoding === 'latin1') {
    taken = handle.writeLatin1(data)
  } else if (items.length === 1 && typeof data === 'string' && (encoding === 'utf8' || !encoding)) {
    taken = handle.writeUtf8(data)
  } else {
    bytes = join(items, size)
    taken = handle.writeBuffer(bytes)
  }
  if (taken < 0) return undefined
  if (!handle.short) return null
  const rest = (bytes ?? Buffer.from(data, encoding || 'utf8')).subarray(taken)
  // It is about to be counted a second time.
  handle.bytesWritten -= rest.length
  return rest
}

/** What `message` had queued is sent but for `rest`, or null: tells so, as OutgoingMessage._flush() does. */
function settle(message, socket, rest) {
  const { outputData: items, outputSize } = message
  message.outputData = []
  message._onPendingData(-outputSize)
  message.outputSize = 0
  if (socket.timeout) socket._unrefTimer()
  const last = items.length - 1
  for (let i = 0; i <= last; i++) {
    const { callback } = items[i]
    if (i === last && rest !== null) socket.write(rest, callback)
    else if (callback) process.nextTick(callback, null)
  }
  message._finish()
}

module.exports = { WHOLE_MAX, isIdle, send, settle, sizeOf }
