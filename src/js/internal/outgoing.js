'use strict'

// The sending half of a fork channel. The first message of a tick goes to the kernel at once; those
// after it are gathered and leave together, in one write: at the tick's end, when there are many,
// when a callback is due, or at 'exit'. What the kernel does not take waits here, in order.

const process = require('node:process')
const { AsyncResource } = require('node:async_hooks')
const { Buffer } = require('node:buffer')
const { duplicateFd } = require('../engine')
const { callBack } = require('../outbox')
const { UV_EBADF } = require('./errno')
const { codes, errnoException } = require('./errors')
const { now } = require('./timers')
const { NONE, UnsentBytes, UnsentText } = require('./unsent')
const { UnsentQueue } = require('./unsent-queue')

// Beyond this size a larger write gains nothing, and the peer is kept waiting.
const SIZE_LIMIT = 65536

// Messages gathered in a tick before they leave for the first time; twice as many for each next
// time. A peer that waits for the tick's end idles while this side works: an echo of 64 messages in
// flight went from 430 to 590 thousand a second, and 1,000 sends in one tick still are 7 writes.
const COUNT_FIRST = 16

// Bytes that the kernel did not take, from which on senders should wait: Node's "two reads behind".
const HIGH_WATER = 2 * 65536

// At 'exit': how long a peer that does not read is waited for, in all.
const EXIT_LIMIT = 2000

// Channels with something to send, for 'exit': no tick ends after that.
const unsent = new Set()
let exitHooked = false

function noteUnsent(outgoing) {
  unsent.add(outgoing)
  if (exitHooked) return
  exitHooked = true
  process.on('exit', flushAll)
  // The ways in which a process ends itself without 'exit': the usual end of a handler for SIGTERM among them.
  for (const name of ['abort', 'execve', 'kill', 'reallyExit']) {
    const end = process[name]
    if (end === undefined) continue
    const wrapped = {
      [name](...args) {
        if (name !== 'kill' || args[0] === process.pid) flushAll()
        return end.apply(this, args)
      },
    }
    process[name] = wrapped[name]
  }
}

function flushAll() {
  const deadline = now() + EXIT_LIMIT
  for (const outgoing of unsent) outgoing.flushAtExit(deadline)
}

// Messages that leave in one write, and what is to be told of it.
class Batch {
  // For json: the text of all of them.
  text = ''
  count = 0
  // 0 when written; a negative errno; undefined while the kernel has not taken all of it.
  status = undefined
  // Of the messages whose turn to be told came while the batch still waited.
  callbacks = []
  // Messages without a callback, whose failure is an 'error' event each.
  silent = 0
}

class Outgoing {
  #handle
  // For advanced: the bytes of the gathered messages.
  #frames
  #control
  #onError
  #onDrain
  // Whether a message has left in this tick.
  #started = false
  // Messages that are gathered at most, for now.
  #countLimit = COUNT_FIRST
  #gathered = null
  // What the kernel did not take.
  #waiting
  #onEmpty
  #flushes = []
  // send() has answered false and nothing has drained since.
  needDrain = false
  // Whether messages wait for the answer to a handle, see passing.js.
  isHeld = () => false
  #endTick = () => {
    this.#started = false
    this.#countLimit = COUNT_FIRST
    this.flushGathered()
  }

  // `frames` collects messages as bytes; without it they are JSON. `onError` is called for each
  // failed message that has no callback, `onDrain` when all has left after a false.
  constructor(handle, frames, control, onError, onDrain) {
    this.#handle = handle
    this.#frames = frames
    this.#control = control
    this.#onError = onError
    this.#onDrain = onDrain
    this.#waiting = new UnsentQueue(handle, (entry) => this.#settle(entry))
    const flushWaiting = () => this.#flushWaiting()
    handle.onwritable = () => callBack(handle, flushWaiting)
  }

  // What send() answers; after false there is a 'drain'.
  get hasRoom() {
    if (this.#waiting.size < HIGH_WATER) return true
    this.needDrain = true
    return false
  }

  // Bytes that the kernel has not taken; those gathered in this tick are not counted.
  get length() {
    return this.#waiting.size
  }

  // Takes a message, or throws when it cannot be said. `quiet`: its failure is nobody's business.
  write(message, callback, quiet) {
    let text
    // A getter or toJSON() of the message may send others here; those come first, as in Node.
    if (this.#frames === undefined) {
      text = JSON.stringify(message)
      // Joining a long text would copy it once more.
      if (text?.length > SIZE_LIMIT) return this.#writeLong(text, callback, quiet)
    } else {
      this.#frames.append(message)
    }
    const batch = this.#gathered ?? new Batch()
    if (this.#frames === undefined) batch.text += text + '\n'
    const size = this.#frames === undefined ? batch.text.length : this.#frames.length
    batch.count++
    if (callback !== undefined) process.nextTick(tell, this, batch, callback)
    else if (!quiet) batch.silent++

    // What a listener of 'exit' sends can wait for nothing.
    const atOnce = !this.#started || process._exiting
    this.#gathered = batch
    if (!this.#started) {
      this.#started = true
      process.nextTick(this.#endTick)
    }
    if (this.#frames?.isBusy) {
      // Sent by a getter of another message: it leaves with that one.
    } else if (atOnce || size >= SIZE_LIMIT) {
      this.flushGathered()
    } else if (batch.count >= this.#countLimit) {
      this.#countLimit *= 2
      this.flushGathered()
    } else if (batch.count === 1) {
      noteUnsent(this)
    }
  }

  #writeLong(text, callback, quiet) {
    this.flushGathered()
    const batch = new Batch()
    if (callback !== undefined) process.nextTick(tell, this, batch, callback)
    else if (!quiet) batch.silent++
    const line = new UnsentText(text, batch)
    if (this.#waiting.size === 0) {
      const sent = line.write(this.#handle)
      if (sent < 0) return this.#fail(batch, sent)
      if (line.isWritten) {
        batch.status = 0
        return
      }
    }
    this.#wait(line, line.count())
  }

  flushGathered() {
    const batch = this.#gathered
    if (batch === null) return
    this.#gathered = null
    if (this.#waiting.size === 0) unsent.delete(this)
    if (this.#frames !== undefined) return this.#sendFrames(batch)
    const { text } = batch
    batch.text = ''
    if (this.#waiting.size > 0) return this.#keepBytes(batch, Buffer.from(text))
    const sent = this.#handle.writeUtf8(text)
    if (this.#wasTaken(batch, sent)) return
    this.#keepBytes(batch, Buffer.from(text).subarray(sent))
  }

  #sendFrames(batch) {
    const frames = this.#frames
    if (this.#waiting.size > 0) return this.#keepBytes(batch, frames.take())
    const sent = this.#handle.writePart(frames.buffer, frames.length)
    if (this.#wasTaken(batch, sent)) frames.clear()
    else this.#keepBytes(batch, frames.take(sent))
  }

  // Whether a write is over: the kernel took everything, or refused.
  #wasTaken(batch, sent) {
    if (sent < 0) this.#fail(batch, sent)
    else if (this.#handle.short) return false
    else batch.status = 0
    return true
  }

  // Takes a message that a descriptor goes with; gives 0 or an error. It leaves in a write of its
  // own, because the peer tells whose descriptor it is by the bytes that it comes with.
  writeWithDescriptor(message, fd, callback, quiet) {
    this.flushGathered()
    const batch = new Batch()
    const bytes = this.#encode(message)
    if (callback !== undefined) process.nextTick(tell, this, batch, callback)
    else if (!quiet) batch.silent++
    // That of a socket which has none yet, or no more.
    if (fd < 0) this.#fail(batch, UV_EBADF)
    else this.#send(batch, bytes, fd)
    return batch.status < 0 ? batch.status : 0
  }

  #encode(message) {
    if (this.#frames === undefined) return Buffer.from(JSON.stringify(message) + '\n')
    this.#frames.append(message)
    return this.#frames.take()
  }

  #send(batch, bytes, fd = NONE) {
    let sent = 0
    if (this.#waiting.size === 0) {
      const handle = this.#handle
      sent = fd === NONE ? handle.writeBuffer(bytes) : handle.writeWithDescriptor(bytes, fd)
      if (this.#wasTaken(batch, sent)) return
    }
    if (fd !== NONE) {
      // The owner may close it before its turn comes, and the number be given to something else.
      fd = sent > 0 ? NONE : duplicateFd(fd)
      if (fd < NONE) return this.#fail(batch, fd)
    }
    this.#keepBytes(batch, bytes.subarray(sent), fd)
  }

  #keepBytes(batch, bytes, fd = NONE) {
    this.#wait(new UnsentBytes(bytes, batch, fd), bytes.length)
  }

  #wait(entry, size) {
    noteUnsent(this)
    this.#waiting.push(entry, size)
    // A message on its way keeps the process alive, whether or not anyone listens.
    this.#control.refCounted()
  }

  #fail(batch, status) {
    batch.status = status
    for (let i = 0; i < batch.silent; i++) this.#onError(errnoException(status, 'write'))
  }

  #flushWaiting() {
    this.#waiting.flush()
    if (this.#waiting.size === 0 || this.#waiting.isBroken) this.#emptied()
  }

  #emptied() {
    if (this.#gathered === null) unsent.delete(this)
    this.#onEmpty?.()
    this.drained()
  }

  // Tells those who wait, if nothing is left to send.
  drained() {
    if (this.#waiting.isBroken || this.#waiting.size > 0 || this.isHeld()) return
    for (const { resolve } of this.#flushes.splice(0)) resolve()
    if (!this.needDrain) return
    this.needDrain = false
    this.#onDrain()
  }

  // Resolves when the kernel has all that was sent.
  flush() {
    this.flushGathered()
    if (this.#waiting.size === 0 && !this.isHeld()) return Promise.resolve()
    return new Promise((resolve, reject) => this.#flushes.push({ resolve, reject }))
  }

  // Blocks until everything has left, the peer is gone, or the time is over.
  flushAtExit(deadline) {
    this.flushGathered()
    while (this.#waiting.size > 0 && !this.#waiting.isBroken) {
      const left = deadline - now()
      if (left <= 0 || this.#handle.waitWritable(left) <= 0) return
      this.#flushWaiting()
    }
  }

  // For a channel that is closed: what still waits is given up.
  discard() {
    unsent.delete(this)
    this.#waiting.discard()
    for (const { reject } of this.#flushes.splice(0)) reject(new codes.ERR_IPC_CHANNEL_CLOSED())
  }

  #settle({ batch, bytes }) {
    this.#frames?.giveBack(bytes)
    this.#control.unrefCounted()
    batch.status = 0
    // On the tick queue, so that one that throws leaves the others unharmed.
    for (const callback of batch.callbacks) process.nextTick(callback, null)
  }

  // Runs the callback when everything is written, or cannot be written any more.
  whenEmpty(callback) {
    this.flushGathered()
    if (this.#waiting.size === 0 || this.#waiting.isBroken) callback()
    else this.#onEmpty = callback
  }
}

// The callback of a message, at its place in the order of ticks.
function tell(outgoing, batch, callback) {
  outgoing.flushGathered()
  // It is called when there is room, and belongs to who has sent.
  if (batch.status === undefined) batch.callbacks.push(AsyncResource.bind(callback))
  else callback(batch.status === 0 ? null : errnoException(batch.status, 'write'))
}

module.exports = { Outgoing }
