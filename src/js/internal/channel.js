'use strict'

// One end of a fork channel, put on a ChildProcess (in the parent) or on `process` (in the child):
// send, disconnect, connected, channel and the events 'message', 'disconnect', 'internalMessage'.
// Messages become text or bytes in serialization.js; the engine cuts what arrives into frames.

const process = require('node:process')
const { deprecate } = require('node:util')
const { Control, DEFAULT_MAX_MESSAGE, countListeners } = require('./channel-control')
const { UV_EMSGSIZE } = require('./errno')
const { codes, errnoException } = require('./errors')
const { asksToListen, withOurServers } = require('./load-cluster')
const { Outgoing } = require('./outgoing')
const { Passing, isInternal } = require('./passing')
const { serializationOf } = require('./serialization')
const { validateObject } = require('./validators')

// The types a message can have, in the order in which Node's error names them.
const sendable = ['string', 'object', 'number', 'boolean']

// `target` is the ChildProcess or `process`; it holds the channel from here on.
function openChannel(target, handle, serialization, maxMessageLength = DEFAULT_MAX_MESSAGE) {
  const inChild = target === process
  const { createFrames, decode } = serializationOf(serialization)
  const control = new Control(handle, inChild ? 0 : 1, maxMessageLength)
  const outgoing = new Outgoing(
    handle,
    createFrames(),
    control,
    (error) => report(target, error),
    () => target.emit('drain'),
  )
  Control.setOutgoing(control, outgoing)
  defineBackPressure(target, outgoing)

  target.channel = control
  defineDeprecatedChannel(target)
  const inbox = new Inbox(target)
  const passing = new Passing(target, handle, outgoing, (message, received) => {
    if (target.channel === null) received?.close?.()
    else inbox.post(isInternal(message), message, received)
  })

  // A frame that cannot be read throws here, into 'uncaughtException'; the next one is fine again.
  handle.onframe = (frame, start, end, isOwned) => {
    const message = decode(frame, start, end, isOwned)
    if (target.channel === null) return
    const internal = isInternal(message)
    inbox.post(internal, message, internal ? passing.claim(message) : undefined)
  }

  defineSending(target, outgoing, passing)
  defineEnding(target, handle, outgoing, passing)
  if (inChild) countListeners(control, handle)
  handle.startIpc(serialization === 'advanced', maxMessageLength)
  handle.readStart()
  return control
}

// Messages on their way to the listeners.
class Inbox {
  #target
  // Arrived while nobody listened: [event, message, handle], told to the first 'message' listener.
  #unheard = []

  constructor(target) {
    this.#target = target
    target.on('newListener', () => process.nextTick(() => this.#tellUnheard()))
  }

  /** Tells the listeners, later: one that throws must not take the rest of a read with it. */
  post(internal, message, handle) {
    process.nextTick(Inbox.#tell, this, internal ? 'internalMessage' : 'message', message, handle)
  }

  static #tell(inbox, event, message, handle) {
    const target = inbox.#target
    if (event === 'internalMessage' && asksToListen(message)) {
      withOurServers(() => target.emit(event, message, handle))
    } else if (event === 'internalMessage' || target.listenerCount('message') > 0) {
      target.emit(event, message, handle)
    } else if (target.channel !== null) {
      inbox.#unheard.push([event, message, handle])
    }
  }

  #tellUnheard() {
    const target = this.#target
    if (target.channel === null || target.listenerCount('message') === 0) return
    while (this.#unheard.length > 0) target.emit(...this.#unheard.shift())
  }
}

function defineSending(target, outgoing, passing) {
  target.send = function (message, handle, options, callback) {
    if (typeof handle === 'function') {
      callback = handle
      handle = undefined
      options = undefined
    } else if (typeof options === 'function') {
      callback = options
      options = undefined
    } else if (options !== undefined) {
      validateObject(options, 'options')
    }

    if (this.connected) return this._send(message, handle, options, callback)
    report(this, new codes.ERR_IPC_CHANNEL_CLOSED(), callback)
    return false
  }

  // `options` is also true for the runtime's own messages, whose failure is nobody's error.
  target._send = function (message, handle, options, callback) {
    if (message === undefined) throw new codes.ERR_MISSING_ARGS('message')
    if (!sendable.includes(typeof message)) {
      throw new codes.ERR_INVALID_ARG_TYPE('message', sendable, message)
    }
    if (handle || this._handleQueue !== null) {
      const settings = options === true ? { swallowErrors: true } : options
      const sent = passing.send(message, handle, settings, callback)
      if (sent !== undefined) return sent
    }

    const done = typeof callback === 'function' ? callback : undefined
    outgoing.write(message, done, options === true || options?.swallowErrors)
    return outgoing.hasRoom
  }
}

function defineEnding(target, handle, outgoing, passing) {
  let closed = false
  function close() {
    if (closed) return
    closed = true
    // As in Node, the callbacks of what could not be written come last, and without an error.
    handle.close(() => outgoing.discard())
  }

  // The peer closed its end or died; in Node too, an error of the read counts as the end.
  handle.onend = (status) => {
    if (status === UV_EMSGSIZE) report(target, errnoException(status, 'read'))
    // Nothing that waits for an answer can go any more.
    passing.discard()
    if (target.connected) target.disconnect()
    else if (target.channel !== null) target._disconnect()
    target.channel = null
    close()
    if (target !== process) maybeClose(target)
  }

  target.connected = true

  target.disconnect = function () {
    if (!this.connected) {
      this.emit('error', new codes.ERR_IPC_DISCONNECTED())
      return
    }
    this.connected = false
    // With a handle under way it is the answer that ends the channel.
    if (this._handleQueue === null) this._disconnect()
  }

  target._disconnect = function () {
    this.channel = null
    passing.closePending()
    // After the messages that were read already: they are on the tick queue.
    process.nextTick(() => {
      // From now on the peer's end is no news: 'close' does not count it, as in Node.
      handle.onend = () => {}
      if (!closed) handle.readStop()
      // Node drops what it has not written yet; here what send() accepted arrives.
      outgoing.whenEmpty(close)
      target.emit('disconnect')
    })
  }
}

// Handed to the callback of the send that failed, or else emitted; never at once.
function report(target, error, callback) {
  if (typeof callback === 'function') process.nextTick(callback, error)
  else process.nextTick(() => target.emit('error', error))
}

// The end of the channel is one of the ends that a ChildProcess awaits before its 'close'.
function maybeClose(child) {
  if (++child._closesGot === child._closesNeeded) {
    child.emit('close', child.exitCode, child.signalCode)
  }
}

// What a stream has for a sender that wants to wait. Not enumerable, as nothing of Node's.
function defineBackPressure(target, outgoing) {
  const define = (name, get) =>
    Object.defineProperty(target, name, { __proto__: null, get, configurable: true })
  define('writableLength', () => outgoing.length)
  define('writableNeedDrain', () => outgoing.needDrain)
}

function defineDeprecatedChannel(target) {
  const text = '_channel is deprecated. Use ChildProcess.channel instead.'
  Object.defineProperty(target, '_channel', {
    __proto__: null,
    get: deprecate(() => target.channel, text, 'DEP0129'),
    set: deprecate(
      (value) => {
        target.channel = value
      },
      text,
      'DEP0129',
    ),
    configurable: true,
    enumerable: false,
  })
}

module.exports = { openChannel }
