'use strict'

// node:net's exports. Sockets and servers are ours; what opens no connection (address checks,
// block lists, process-wide defaults) is Node's own.

const {
  BlockList,
  SocketAddress,
  isIP,
  isIPv4,
  isIPv6,
  getDefaultAutoSelectFamily,
  setDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  setDefaultAutoSelectFamilyAttemptTimeout,
} = require('node:net')
const { Socket } = require('./socket')
const { connect, normalizeArgs: _normalizeArgs } = require('./connect')
const { Server } = require('./server')
const { createServerHandle: _createServerHandle } = require('./listen')
const { BoundSocket } = require('./bound-socket')

const createConnection = connect
const Stream = Socket

function createServer(options, connectionListener) {
  return new Server(options, connectionListener)
}

module.exports = {
  _createServerHandle,
  _normalizeArgs,
  // Accessors, as Node's own are.
  get BlockList() {
    return BlockList
  },
  get SocketAddress() {
    return SocketAddress
  },
  BoundSocket,
  connect,
  createConnection,
  createServer,
  isIP,
  isIPv4,
  isIPv6,
  Server,
  Socket,
  Stream,
  getDefaultAutoSelectFamily,
  setDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  setDefaultAutoSelectFamilyAttemptTimeout,
}

// Node's lexer finds the names for `import { connect }` by shorthands and stops at an accessor;
// this line is for it only.
// prettier-ignore
// oxlint-disable-next-line no-unused-expressions, no-constant-binary-expression
0 && (module.exports = { _createServerHandle, _normalizeArgs, BlockList, SocketAddress, BoundSocket, connect, createConnection, createServer, isIP, isIPv4, isIPv6, Server, Socket, Stream, getDefaultAutoSelectFamily, setDefaultAutoSelectFamily, getDefaultAutoSelectFamilyAttemptTimeout, setDefaultAutoSelectFamilyAttemptTimeout })
