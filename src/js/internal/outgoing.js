'use strict'

// The sending half of a fork channel: a message goes to the kernel at once, in one write; what the
// kernel does not take waits here, in order.

// Messages in one vectored write: under the kernel's own limit of 1024.
const BATCH = 512

class Outgoing {
  #handle
  #control
  // { bytes, callback } of each message not yet written to its end.
  #waiting = []
  #size = 0
  // The peer is gone: nothing that waits will ever leave.
  #broken = false
  #onEmpty

  constructor(handle, control) {
    this.#handle = handle
    this.#control = control
    handle.onwritable = () => this.#flush()
  }

  // Bytes that wait.
  get size() {
    return this.#size
  }

  // Returns a negative errno or 0. The callback runs when the last byte is with the kernel.
  write(data, callback) {
    let rest = data
    if (this.#size === 0) {
      const isText = typeof data === 'string'
      const sent = isText ? this.#handle.writeUtf8(data) : this.#handle.writeBuffer(data)
      if (sent < 0) return sent
      if (sent === (isText ? Buffer.byteLength(data) : data.length)) {
        if (callback !== undefined) process.nextTick(callback, null)
        return 0
      }
      rest = (isText ? Buffer.from(data) : data).subarray(sent)
    } else if (typeof data === 'string') {
      rest = Buffer.from(data)
    }
    this.#waiting.push({ bytes: rest, callback })
    this.#size += rest.length
    // A message on its way keeps the process alive, whether or not anyone listens.
    this.#control.refCounted()
    return 0
  }

  #flush() {
    let done = 0
    while (done < this.#waiting.length) {
      const batch = this.#waiting.slice(done, done + BATCH)
      let sent = this.#handle.writeRest(batch.map(({ bytes }) => bytes))
      if (sent < 0) {
        // Told to nobody here, as in Node: the end of the stream will be, by 'disconnect'.
        this.#broken = true
        break
      }
      this.#size -= sent
      const end = done + batch.length
      while (done < end && sent >= this.#waiting[done].bytes.length) {
        sent -= this.#waiting[done++].bytes.length
      }
      if (done < end) {
        this.#waiting[done].bytes = this.#waiting[done].bytes.subarray(sent)
        break
      }
    }
    this.#settle(done)
    if (this.#size === 0 || this.#broken) this.#onEmpty?.()
  }

  // For a channel that is closed: what still waits is given up.
  discard() {
    this.#size = 0
    this.#settle(this.#waiting.length)
  }

  #settle(count) {
    for (const { callback } of this.#waiting.splice(0, count)) {
      this.#control.unrefCounted()
      // On the tick queue, so that one that throws leaves the others unharmed.
      if (callback !== undefined) process.nextTick(callback, null)
    }
  }

  // Runs the callback when everything is written, or cannot be written any more.
  whenEmpty(callback) {
    if (this.#size === 0 || this.#broken) callback()
    else this.#onEmpty = callback
  }
}

module.exports = { Outgoing }
