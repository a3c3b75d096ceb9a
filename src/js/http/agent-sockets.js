'use strict'

// What an Agent listens for on the sockets of its pools.

const { keepListener } = require('./following')

const kMember = Symbol('kMember') // on a socket: { agent, options } of the pool it belongs to
const kOnKeylog = Symbol('kOnKeylog') // on an agent: passes 'keylog' on, once somebody listens

function join(agent, socket, options) {
  socket[kMember] = { agent, options }
  keepListener(socket)
  socket.on('free', onSocketFree)
  socket.on('close', onSocketClose)
  socket.on('timeout', onSocketTimeout)
  socket.on('agentRemove', onAgentRemove)
  if (agent[kOnKeylog]) socket.on('keylog', agent[kOnKeylog])
}

function onSocketFree() {
  const { agent, options } = this[kMember]
  agent.emit('free', this, options)
}

function onSocketClose() {
  const { agent, options } = this[kMember]
  agent.totalSocketCount--
  agent.removeSocket(this, options)
}

// Only an idle socket is ended by its timer; a busy one leaves the decision to the request.
function onSocketTimeout() {
  const { freeSockets } = this[kMember].agent
  for (const name in freeSockets) {
    if (freeSockets[name].includes(this)) {
      this.destroy()
      return
    }
  }
}

// The socket has become something else (an upgrade, say) and will not come back.
function onAgentRemove() {
  const { agent, options } = this[kMember]
  agent.totalSocketCount--
  agent.removeSocket(this, options)
  this.removeListener('close', onSocketClose)
  this.removeListener('free', onSocketFree)
  this.removeListener('timeout', onSocketTimeout)
  this.removeListener('agentRemove', onAgentRemove)
}

// 'keylog' of TLS sockets is passed on only once somebody listens for it.
function onNewListener(eventName) {
  if (eventName !== 'keylog') return
  this.removeListener('newListener', onNewListener)
  const agent = this
  this[kOnKeylog] = function onkeylog(line) {
    agent.emit('keylog', line, this)
  }
  for (const pools of [this.freeSockets, this.sockets]) {
    for (const name of Object.keys(pools)) {
      for (const socket of pools[name]) socket.on('keylog', this[kOnKeylog])
    }
  }
}

module.exports = { join, onNewListener }
