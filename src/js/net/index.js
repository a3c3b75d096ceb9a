'use strict'

// node:net's exports. Sockets and servers are ours; what opens no connection (address checks,
// block lists, process-wide defaults) is Node's own.

const nodeNet = require('node:net')
const { Socket } = require('./socket')
const { normalizeArgs: _normalizeArgs } = require('./arguments')
const { connect } = require('./connect')
const { Server } = require('./server')
const { createServerHandle: _createServerHandle } = require('./listen')
const { BoundSocket } = require('./bound-socket')

const {
  isIP,
  isIPv4,
  isIPv6,
  getDefaultAutoSelectFamily,
  setDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout,
  setDefaultAutoSelectFamilyAttemptTimeout,
} = nodeNet

const createConnection = connect
const Stream = Socket

function createServer(options, connectionListener) {
  return new Server(options, connectionListener)
}

module.exports = {
  _createServerHandle,
  _normalizeArgs,
  // Accessors, as Node's own are, which load the classes when they are asked for.
  get BlockList() {
    return nodeNet.BlockList
  },
  get SocketAddress() {
    return nodeNet.SocketAddress
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
