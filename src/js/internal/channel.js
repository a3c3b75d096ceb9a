'use strict'

// One end of a fork channel, put on a ChildProcess (in the parent) or on `process` (in the child):
// send, disconnect, connected, channel and the events 'message', 'disconnect', 'internalMessage'.
// Messages become text or bytes in serialization.js; the engine cuts what arrives into frames.

const process = require('node:process')
const { EventEmitter } = require('node:events')
const { deprecate } = require('node:util')
const { UV_EMSGSIZE } = require('./errno')
const { codes, errnoException } = require('./errors')
const { asksToListen, withOurServers } = require('./load-cluster')
const { Outgoing } = require('./outgoing')
const { Passing, isInternal } = require('./passing')
const { serializationOf } = require('./serialization')
const { validateInteger, validateObject } = require('./validators')

// What user code sees as `child.channel` and `process.channel`.
class Control extends EventEmitter {
  #handle
  // Reasons to keep the process alive, until ref() or unref() decide it once and for all.
  #refs
  #decided = false
  #outgoing
  #maxMessageLength

  constructor(handle, refs, maxMessageLength) {
    super()
    this.#handle = handle
    this.#refs = refs
    this.#maxMessageLength = maxMessageLength
  }

  // Resolves when the kernel has every message that send() has accepted.
  flush() {
    return this.#outgoing.flush()
  }

  // Bytes of one message from the peer, beyond which the channel ends with an error.
  get maxMessageLength() {
    return this.#maxMessageLength
  }

  set maxMessageLength(value) {
    validateMaxMessageLength(value)
    this.#maxMessageLength = value
    this.#handle.limitIpc(value)
  }

  static setOutgoing(control, outgoing) {
    control.#outgoing = outgoing
  }

  refCounted() {
    if (++this.#refs === 1 && !this.#decided) this.#handle.ref()
  }

  unrefCounted() {
    if (--this.#refs === 0 && !this.#decided) this.#handle.unref()
  }

  ref() {
    this.#decided = true
    this.#handle.ref()
  }

  unref() {
    this.#decided = true
    this.#handle.unref()
  }

  get fd() {
    return this.#handle.fd
  }
}

const MEBIBYTE = 1024 * 1024
const DEFAULT_MAX_MESSAGE = 512 * MEBIBYTE

// A peer may rely on 64 MiB; the upper limit is that of a buffer's length in the format.
function validateMaxMessageLength(value) {
  validateInteger(value, 'maxMessageLength', 64 * MEBIBYTE, 2 ** 32 - 1)
}

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
  // Arrived while nobody listened: [event, message, handle], told to the first 'message' listener.
  const unheard = []

  target.channel = control
  defineDeprecatedChannel(target)
  const passing = new Passing(target, handle, outgoing, deliver)

  function emit(event, message, received) {
    if (event === 'internalMessage' && asksToListen(message)) {
      withOurServers(() => target.emit(event, message, received))
    } else if (event === 'internalMessage' || target.listenerCount('message') > 0) {
      target.emit(event, message, received)
    } else if (target.channel !== null) {
      unheard.push([event, message, received])
    }
  }

  // Not at once: a listener that throws must not take the rest of this read with it.
  function deliver(message, received) {
    if (target.channel === null) received?.close?.()
    else
      process.nextTick(emit, isInternal(message) ? 'internalMessage' : 'message', message, received)
  }

  // A frame that cannot be read throws here, into 'uncaughtException'; the next one is fine again.
  handle.onframe = (frame, start, end, isOwned) => {
    const message = decode(frame, start, end, isOwned)
    if (target.channel === null) return
    if (!isInternal(message)) process.nextTick(emit, 'message', message, undefined)
    else process.nextTick(emit, 'internalMessage', message, passing.claim(message))
  }

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
    if (!inChild) maybeClose(target)
  }

  target.on('newListener', () => {
    process.nextTick(() => {
      if (target.channel === null || target.listenerCount('message') === 0) return
      while (unheard.length > 0) target.emit(...unheard.shift())
    })
  })

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

  if (inChild) countListeners(control, handle)
  handle.startIpc(serialization === 'advanced', maxMessageLength)
  handle.readStart()
  return control
}

// A child lives as long as it listens to its parent, and no longer.
function countListeners(control, handle) {
  handle.unref()
  const counted = ['message', 'disconnect']
  const counts = (event) => counted.includes(event)
  // A cluster's worker began to listen before its channel was there.
  for (const event of counted) {
    for (let left = process.listenerCount(event); left > 0; left--) control.refCounted()
  }
  process.on('newListener', (event) => {
    if (counts(event)) control.refCounted()
  })
  process.on('removeListener', (event) => {
    if (counts(event)) control.unrefCounted()
  })
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

module.exports = { openChannel, validateMaxMessageLength }
