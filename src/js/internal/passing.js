'use strict'

// Handles on a fork channel. One is under way at a time: until the peer has answered, everything
// else that is sent waits in `_handleQueue`. A socket is closed here when it has arrived there.

const process = require('node:process')
const engine = require('../engine')

const HANDLE = 'NODE_HANDLE'
const ARRIVED = 'NODE_HANDLE_ACK'
const LOST = 'NODE_HANDLE_NACK'
const RETRIES = 3

// Loaded with the first handle: most children never see one, and all of them pay for what is loaded.
const sendable = () => require('./sendable')
const socketList = () => require('./socket-list')

// Messages whose cmd begins so are the runtime's own; the script never sees them as 'message'.
const INTERNAL = 'NODE_'

function isInternal(message) {
  const cmd = message?.cmd
  return (
    typeof message === 'object' &&
    typeof cmd === 'string' &&
    cmd.length > INTERNAL.length &&
    cmd.startsWith(INTERNAL)
  )
}

class Passing {
  #target
  #channel
  #outgoing
  #deliver
  #sent = new Map()
  #got = new Map()

  // `deliver(message, handle)` tells the target of a message that came with a handle.
  constructor(target, channel, outgoing, deliver) {
    this.#target = target
    this.#channel = channel
    this.#outgoing = outgoing
    this.#deliver = deliver
    // Where Node has them, for code that looks.
    target._handleQueue = null
    target._pendingMessage = null
    outgoing.isHeld = () => target._handleQueue !== null
    target.on('internalMessage', (message, handle) => {
      if (message.cmd === HANDLE) this.#arrived(message, handle)
      else if (message.cmd === ARRIVED || message.cmd === LOST) this.#answered(message.cmd)
    })
  }

  // Sends what cannot go at once as plain bytes. Undefined when it can after all.
  send(message, handle, options, callback) {
    const type = handle ? sendable().typeOf(handle) : undefined
    const queue = this.#target._handleQueue
    if (queue !== null) {
      if (type === undefined && (message?.cmd === ARRIVED || message?.cmd === LOST)) {
        return undefined
      }
      queue.push({ callback, handle: handle || null, options, message })
      if (queue.length > 1) this.#outgoing.needDrain = true
      return queue.length === 1
    }
    if (type === undefined) return undefined
    const { describe, handleOf, isMoved, leave } = sendable().leaving[type]
    const raw = handleOf(handle)
    // Sent before, or never opened: the text goes alone.
    if (!raw) return undefined

    const frame = { cmd: HANDLE, type, msg: message }
    describe?.(frame, handle)
    const leaves = leave !== undefined && (isMoved || !options?.keepOpen)
    // Throws for a message that cannot be said, before anything else has happened.
    const error = this.#transmit(frame, raw, options, callback)
    this.#count(frame, handle, leaves)
    if (leaves) {
      leave(handle, raw)
      if (error < 0) raw.close()
      else this.#target._pendingMessage = { frame, handle: raw, options, retransmissions: 0 }
    }
    return this.#outgoing.hasRoom
  }

  #transmit(frame, raw, options, callback) {
    const fd = typeof raw.fd === 'number' ? raw.fd : -1
    const done = typeof callback === 'function' ? callback : undefined
    const error = this.#outgoing.writeWithDescriptor(frame, fd, done, options?.swallowErrors)
    if (error === 0) this.#target._handleQueue ??= []
    return error
  }

  // The connections of a server that are counted by the process which has them.
  #count(frame, { server }, leaves) {
    if (frame.type !== 'net.Socket' || !server) return
    if (!this.#sent.has(frame.key)) {
      const list = new (socketList().SocketListSend)(this.#target, frame.key)
      this.#sent.set(frame.key, list)
      server._setupWorker(list)
    }
    if (leaves) server._connections--
  }

  #answered(cmd) {
    const target = this.#target
    const pending = target._pendingMessage
    if (pending !== null) {
      if (cmd === ARRIVED) {
        this.closePending()
      } else if (pending.retransmissions++ === RETRIES) {
        this.closePending()
        process.emitWarning(
          'Handle did not reach the receiving process correctly',
          'SentHandleNotReceivedWarning',
        )
      }
    }

    const queue = target._handleQueue
    // An answer to nothing.
    if (queue === null) return
    target._handleQueue = null
    if (target._pendingMessage !== null) {
      const { frame, handle, options } = target._pendingMessage
      // Its callback has been called.
      if (this.#transmit(frame, handle, { ...options, swallowErrors: true }) < 0) {
        this.closePending()
      }
    }
    for (const { message, handle, options, callback } of queue) {
      target._send(message, handle, options, callback)
    }
    if (target._handleQueue !== null) return
    if (!target.connected && target.channel !== null) target._disconnect()
    this.#outgoing.drained()
  }

  closePending() {
    const pending = this.#target._pendingMessage
    this.#target._pendingMessage = null
    pending?.handle.close()
  }

  // The channel ends: what waits will not be sent.
  discard() {
    this.#target._handleQueue = null
    this.closePending()
  }

  // The handle that came with an internal message, if one should have. The bytes of the frame have
  // just been read, so the oldest descriptor that nobody has claimed is its own.
  claim(message) {
    if (message.cmd !== HANDLE) return undefined
    const fd = engine.claimFd(this.#channel)
    return fd < 0 ? undefined : sendable().receive(message, fd, isInternal)
  }

  #arrived(frame, handle) {
    const target = this.#target
    if (!handle) {
      target._send({ cmd: LOST }, null, true)
      return
    }
    target._send({ cmd: ARRIVED }, null, true)
    this.#make(frame, handle)
  }

  #make(frame, handle) {
    const { msg } = frame
    const { arriving } = sendable()
    // Node wraps a frame that it sends again in another one, and wants one answer.
    if (msg?.cmd === HANDLE && arriving[msg.type] !== undefined) return this.#make(msg, handle)
    arriving[frame.type](frame, handle, (value) => {
      if (frame.type === 'net.Socket' && frame.key) this.#listOf(frame.key).add({ socket: value })
      this.#deliver(msg, value)
    })
  }

  #listOf(key) {
    let list = this.#got.get(key)
    if (list === undefined) {
      list = new (socketList().SocketListReceive)(this.#target, key)
      this.#got.set(key, list)
    }
    return list
  }
}

module.exports = { Passing, isInternal }
