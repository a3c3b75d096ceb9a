'use strict'

// What can travel with a message: sockets, servers and their handles, ours and the built-in ones.
// For each type that the wire names, how one leaves this process and how it is made in the other.

const nodeNet = require('node:net')
const engine = require('../engine')
const { codes } = require('./errors')
const {
  datagramHandle,
  nativeDatagramHandle,
  nativeHandle,
  nativeType,
  refused,
} = require('./native-handles')
const { kBoundSocketConsume } = require('./symbols')

const { Handle, TcpHandle, LocalHandle } = engine
const ourNetFile = require.resolve('../net')

function noop() {}

// Ferrowire's net, in a process that uses it. Others get the built-in classes: a child of ours may
// never have heard of Ferrowire.
function ourNet() {
  return require.cache[ourNetFile]?.loaded ? require('../net') : undefined
}

const isSocket = (value, ours) =>
  value instanceof nodeNet.Socket || (ours !== undefined && value instanceof ours.Socket)
const isServer = (value, ours) =>
  value instanceof nodeNet.Server || (ours !== undefined && value instanceof ours.Server)

const isBoundSocket = (value, ours) =>
  (ours !== undefined && value instanceof ours.BoundSocket) ||
  (nodeNet.BoundSocket !== undefined && value instanceof nodeNet.BoundSocket)

// The type under which `value` travels.
function typeOf(value) {
  const ours = ourNet()
  if (isSocket(value, ours)) return 'net.Socket'
  if (isServer(value, ours)) return 'net.Server'
  if (isBoundSocket(value, ours)) return 'net.BoundSocket'
  if (value instanceof Handle) return 'net.Native'
  const type = nativeType(value)
  if (type !== undefined) return type
  if (value instanceof require('node:dgram').Socket) return 'dgram.Socket'
  throw new codes.ERR_INVALID_HANDLE_TYPE()
}

const leaving = {
  __proto__: null,
  'net.Native': { handleOf: (handle) => handle },
  'dgram.Native': { handleOf: (handle) => handle },
  'net.Server': { handleOf: (server) => server._handle },
  'dgram.Socket': {
    handleOf: datagramHandle,
    describe(frame, socket) {
      frame.dgramType = socket.type
    },
  },
  'net.BoundSocket': {
    handleOf: handleOfBound,
    leave: leaveBound,
    // Who sent it has given it up, whatever `keepOpen` says.
    isMoved: true,
  },
  'net.Socket': {
    handleOf: (socket) => socket._handle,
    describe(frame, socket) {
      // The receiver counts the connections of each server.
      if (socket.server) frame.key = socket.server._connectionKey
    },
    // From here on this process has nothing to do with the connection; its handle is closed when
    // the other one has it.
    leave: detachSocket,
  },
}

// Node moves its own (since 24.22) by methods whose names it keeps to itself.
function moverOf(name) {
  const { prototype } = nodeNet.BoundSocket
  const isWanted = (symbol) => symbol.description === `messaging_${name}_symbol`
  const key = Object.getOwnPropertySymbols(prototype).find(isWanted)
  if (key === undefined) throw new codes.ERR_INVALID_HANDLE_TYPE()
  return key
}

function handleOfBound(bound) {
  const ours = ourNet()
  if (ours !== undefined && bound instanceof ours.BoundSocket) {
    return require('../net/bound-socket').movableHandle(bound)
  }
  if (bound.isPipe) throw new codes.ERR_INVALID_HANDLE_TYPE()
  return bound[moverOf('transfer_list')]()[0]
}

function leaveBound(bound, handle) {
  if (handle instanceof Handle) bound[kBoundSocketConsume]()
  else bound[moverOf('transfer')]()
}

function detachSocket(socket, handle) {
  if (handle instanceof Handle) {
    handle.release()
  } else {
    // Node reads on until the handle is closed, and loses those bytes.
    handle.readStop?.()
  }
  handle.onread = noop
  socket._handle = null
  socket.setTimeout(0)
  detachHttp(socket)
}

// A socket that an HTTP server parses.
function detachHttp(socket) {
  const { parser } = socket
  if (!parser) return
  const message = socket._httpMessage
  if (typeof parser.detach === 'function') {
    parser.detach()
  } else {
    parser.unconsume?.()
    parser.remove?.()
    socket.parser = null
    setImmediate(() => parser.close?.())
  }
  message?.detachSocket(socket)
}

function ourHandle(fd, listening) {
  const kind = engine.kindOf(fd)
  if (kind !== 'TCP' && kind !== 'PIPE') return refused(fd)
  const Kind = kind === 'TCP' ? TcpHandle : LocalHandle
  const handle = new Kind(listening ? Kind.SERVER : Kind.SOCKET)
  if (handle.open(fd, listening) === 0) return handle
  handle.close()
  return refused(fd)
}

function ourBoundHandle(fd) {
  if (engine.kindOf(fd) !== 'TCP') return refused(fd)
  const handle = new TcpHandle()
  if (handle.openBound(fd) === 0) return handle
  handle.close()
  return refused(fd)
}

// The handle for a descriptor that came with `frame`; it owns the descriptor. Undefined, and the
// descriptor closed, when it is not what the frame says. The runtime's own messages (a cluster's)
// are for the built-in modules.
function receive(frame, fd, isInternal) {
  const { type, msg } = frame
  if (arriving[type] === undefined) return refused(fd)
  if (type === 'dgram.Socket' || type === 'dgram.Native') return nativeDatagramHandle(fd)
  const isBuiltIn = ourNet() === undefined || isInternal(msg)
  if (type === 'net.BoundSocket') {
    const { _TransferredBoundSocket: isKnown } = nodeNet
    return isBuiltIn && isKnown ? nativeHandle(fd, false) : ourBoundHandle(fd)
  }
  const listening = type === 'net.Server' || (type === 'net.Native' && engine.isListening(fd))
  return isBuiltIn ? nativeHandle(fd, listening) : ourHandle(fd, listening)
}

const arriving = {
  __proto__: null,
  'net.Native': (frame, handle, done) => done(handle),
  'dgram.Native': (frame, handle, done) => done(handle),
  'net.Server'(frame, handle, done) {
    const server = new (netOf(handle).Server)()
    server.listen(handle, () => done(server))
  },
  'net.BoundSocket'(frame, handle, done) {
    if (handle instanceof Handle) {
      done(require('../net/bound-socket').boundSocketOf(handle))
      return
    }
    const bound = new nodeNet._TransferredBoundSocket()
    bound[moverOf('deserialize')]({ handle })
    done(bound)
  },
  'net.Socket'(frame, handle, done) {
    done(new (netOf(handle).Socket)({ handle, readable: true, writable: true }))
  },
  'dgram.Socket'(frame, handle, done) {
    const socket = new (require('node:dgram').Socket)(frame.dgramType)
    socket.bind(handle, () => done(socket))
  },
}

const netOf = (handle) => (handle instanceof Handle ? require('../net') : nodeNet)

module.exports = { arriving, leaving, receive, typeOf }
