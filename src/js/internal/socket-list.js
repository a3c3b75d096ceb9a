'use strict'

// Bookkeeping of a server's connections that went to another process: the sender counts them for
// getConnections() and close() by asking the receiver, in messages of Node's format.

const { EventEmitter } = require('node:events')
const { codes } = require('./errors')

// In the process that gave sockets of one server away.
class SocketListSend extends EventEmitter {
  constructor(target, key) {
    super()
    this.key = key
    this.child = target
    target.once('exit', () => this.emit('exit', this))
  }

  #request(question, answer, quiet, callback) {
    const { child, key } = this

    const onAnswer = (message) => {
      if (message.cmd !== answer || message.key !== key) return
      child.removeListener('disconnect', onGone)
      child.removeListener('internalMessage', onAnswer)
      callback(null, message)
    }
    const onGone = () => {
      child.removeListener('internalMessage', onAnswer)
      callback(new codes.ERR_CHILD_CLOSED_BEFORE_REPLY())
    }

    if (!child.connected) return onGone()
    child._send({ cmd: question, key }, undefined, quiet)
    child.once('disconnect', onGone)
    child.on('internalMessage', onAnswer)
  }

  close(callback) {
    this.#request('NODE_SOCKET_NOTIFY_CLOSE', 'NODE_SOCKET_ALL_CLOSED', true, callback)
  }

  getConnections(callback) {
    this.#request('NODE_SOCKET_GET_COUNT', 'NODE_SOCKET_COUNT', false, (error, message) => {
      if (error) callback(error)
      else callback(null, message.count)
    })
  }
}

// In the process that got them.
class SocketListReceive extends EventEmitter {
  constructor(target, key) {
    super()
    this.connections = 0
    this.key = key
    this.child = target

    const answerAllClosed = () => {
      if (target.connected) target._send({ cmd: 'NODE_SOCKET_ALL_CLOSED', key }, undefined, true)
    }
    target.on('internalMessage', (message) => {
      if (message.key !== key) return
      if (message.cmd === 'NODE_SOCKET_NOTIFY_CLOSE') {
        if (this.connections === 0) answerAllClosed()
        else this.once('empty', answerAllClosed)
      } else if (message.cmd === 'NODE_SOCKET_GET_COUNT' && target.connected) {
        target._send({ cmd: 'NODE_SOCKET_COUNT', key, count: this.connections })
      }
    })
  }

  add({ socket }) {
    this.connections++
    socket.once('close', () => {
      if (--this.connections === 0) this.emit('empty', this)
    })
  }
}

module.exports = { SocketListReceive, SocketListSend }
