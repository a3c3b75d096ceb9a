'use strict'

// A cluster's worker that disconnects closes its servers, which it finds through a symbol on their
// handles. The symbol is Node's own; a built-in socket shows it on any handle it is given.

let ownerSymbol

function findSymbol() {
  const { Socket } = require('node:net')
  const handle = { getAsyncId: () => 0, close() {} }
  const socket = new Socket({ handle, readable: false, manualStart: true })
  socket._handle = null
  socket.destroy()
  return Object.getOwnPropertySymbols(handle).find((key) => key.description === 'owner_symbol')
}

function setClusterOwner(handle, server) {
  ownerSymbol ??= findSymbol()
  if (ownerSymbol !== undefined) handle[ownerSymbol] = server
}

module.exports = { setClusterOwner }
