'use strict'

// node:net's exports. Sockets and servers are ours; what opens no connection (address checks,
// block lists, process-wide defaults) is Node's own.

const { Socket } = require('./socket')
const { isIP, nodeNet, normalizeArgs: _normalizeArgs } = require('./arguments')
const { connect } = require('./connect')
const { Server } = require('./server')
const { createServerHandle: _createServerHandle } = require('./listen')
const { BoundSocket } = require('./bound-socket')

const createConnection = connect
const Stream = Socket

function createServer(options, connectionListener) {
  return new Server(options, connectionListener)
}

function isIPv4(input) {
  return nodeNet().isIPv4(input)
}

function isIPv6(input) {
  return nodeNet().isIPv6(input)
}

function getDefaultAutoSelectFamily() {
  return nodeNet().getDefaultAutoSelectFamily()
}

function setDefaultAutoSelectFamily(value) {
  return nodeNet().setDefaultAutoSelectFamily(value)
}

function getDefaultAutoSelectFamilyAttemptTimeout() {
  return nodeNet().getDefaultAutoSelectFamilyAttemptTimeout()
}

function setDefaultAutoSelectFamilyAttemptTimeout(value) {
  return nodeNet().setDefaultAutoSelectFamilyAttemptTimeout(value)
}

module.exports = {
  _createServerHandle,
  _normalizeArgs,
  // Accessors, as Node's own are, which load the classes when they are asked for.
  get BlockList() {
    return nodeNet().BlockList
  },
  get SocketAddress() {
    return nodeNet().SocketAddress
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
