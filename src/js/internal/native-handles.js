'use strict'

// Node's own handle objects for descriptors that came over a channel, for code that uses the
// built-in modules, and the descriptors of those that leave. Their classes have no public name: the
// first object of each is taken from a socket that Node makes.

const net = require('node:net')
const { closeFd, kindOf } = require('../engine')

const SOCKET = 0
const SERVER = 1

// Constructors by the kind of descriptor.
const classes = { __proto__: null }

// Node's TCP or Pipe handle of a socket, which owns the descriptor. Undefined, and the descriptor
// closed, when it is something else.
function nativeHandle(fd, listening) {
  const kind = kindOf(fd)
  if (kind !== 'TCP' && kind !== 'PIPE') return refused(fd)
  if (classes[kind] === undefined) return firstHandle(kind, fd)
  const handle = new classes[kind](listening ? SERVER : SOCKET)
  return opened(handle, fd)
}

// The answer to a descriptor that is nothing for us.
function refused(fd) {
  closeFd(fd)
  return undefined
}

function firstHandle(kind, fd) {
  let socket
  try {
    socket = new net.Socket({ fd, readable: false, writable: false, manualStart: true })
  } catch {
    return refused(fd)
  }
  const handle = socket._handle
  socket._handle = null
  classes[kind] = handle.constructor
  return handle
}

function opened(handle, fd) {
  if (!(handle.open(fd) < 0)) return handle
  handle.close()
  return refused(fd)
}

// The same for a datagram socket.
function nativeDatagramHandle(fd) {
  if (classes.UDP === undefined) {
    const socket = require('node:dgram').createSocket('udp4')
    classes.UDP = datagramHandle(socket).constructor
    socket.close()
  }
  return opened(new classes.UDP(), fd)
}

// The handle of a built-in dgram.Socket, under a symbol that Node keeps to itself.
function datagramHandle(socket) {
  const key = Object.getOwnPropertySymbols(socket).find((s) => s.description === 'state symbol')
  return socket[key]?.handle
}

// 'net.Native' or 'dgram.Native' for a handle object of Node's own.
function nativeType(value) {
  if (typeof value?.fd !== 'number' || typeof value.close !== 'function') return undefined
  const name = value.constructor?.name
  if (name === 'TCP' || name === 'Pipe') return 'net.Native'
  return name === 'UDP' ? 'dgram.Native' : undefined
}

module.exports = { datagramHandle, nativeDatagramHandle, nativeHandle, nativeType, refused }
