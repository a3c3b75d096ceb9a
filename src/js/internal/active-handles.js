'use strict'

// What keeps a process alive: process._getActiveHandles() and process.getActiveResourcesInfo() know Node's own native
// handles only. Under the preload they tell of ours as well, by the same names.

const process = require('node:process')
const { TcpHandle } = require('../engine')
const { liveHandles } = require('../outbox')
const { kOwner } = require('./symbols')

const active = () => liveHandles().filter((handle) => handle.hasRef())

function nameOf(handle) {
  if (!(handle instanceof TcpHandle)) return 'PipeWrap'
  return Object.hasOwn(handle, 'onconnection') ? 'TCPServerWrap' : 'TCPSocketWrap'
}

// As Node defines them, so that the names stay.
function replace(name, make) {
  const original = process[name]
  if (typeof original !== 'function') return
  const { [name]: replacement } = { [name]: () => [...original(), ...active().map(make)] }
  process[name] = replacement
}

function tellActiveHandles() {
  replace('_getActiveHandles', (handle) => handle[kOwner] ?? handle)
  replace('getActiveResourcesInfo', nameOf)
}

module.exports = { tellActiveHandles }
