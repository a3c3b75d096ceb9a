'use strict'

// node:net's exports. Sockets and servers are ours; what opens no connection (address checks,
// block lists, process-wide defaults) is Node's own.

const net = require('node:net')
const { Socket } = require('./socket')
const { connect, normalizeArgs } = require('./connect')
const { Server } = require('./server')
const { createServerHandle } = require('./listen')
const { BoundSocket } = require('./bound-socket')

function createServer(options, connectionListener) {
  return new Server(options, connectionListener)
}

module.exports = {
  _createServerHandle: createServerHandle,
  _normalizeArgs: normalizeArgs,
  BlockList: net.BlockList,
  SocketAddress: net.SocketAddress,
  BoundSocket,
  connect,
  createConnection: connect,
  createServer,
  isIP: net.isIP,
  isIPv4: net.isIPv4,
  isIPv6: net.isIPv6,
  Server,
  Socket,
  Stream: Socket,
  getDefaultAutoSelectFamily: net.getDefaultAutoSelectFamily,
  setDefaultAutoSelectFamily: net.setDefaultAutoSelectFamily,
  getDefaultAutoSelectFamilyAttemptTimeout: net.getDefaultAutoSelectFamilyAttemptTimeout,
  setDefaultAutoSelectFamilyAttemptTimeout: net.setDefaultAutoSelectFamilyAttemptTimeout,
}
