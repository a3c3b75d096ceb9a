'use strict'

// What the kernel did not take of a fork channel's messages: entries (unsent.js) that leave in
// order when there is room, as many of them in one write as may.

// Buffers in one vectored write: under the kernel's own limit of 1024.
const COUNT_LIMIT = 512

class UnsentQueue {
  #handle
  #onOver
  #entries = []
  // In bytes.
  size = 0
  // The peer is gone: nothing that waits will ever leave.
  isBroken = false

  // `onOver` is told each entry that is written, or given up.
  constructor(handle, onOver) {
    this.#handle = handle
    this.#onOver = onOver
  }

  push(entry, size) {
    this.#entries.push(entry)
    this.size += size
  }

  // Writes until the kernel is full or all is written.
  flush() {
    const entries = this.#entries
    let done = 0
    while (done < entries.length) {
      const next = this.#nextWrite(done)
      const sent = next.length === 1 ? next[0].write(this.#handle) : this.#writeAll(next)
      if (sent < 0) {
        // Told to nobody here, as in Node: the end of the stream will be, by 'disconnect'.
        this.isBroken = true
        break
      }
      this.size -= sent
      while (done < entries.length && entries[done].isWritten) done++
      if (this.#handle.short) break
    }
    this.#drop(done)
  }

  #writeAll(all) {
    const sent = this.#handle.writeRest(all.map(({ bytes }) => bytes))
    let left = sent
    for (let i = 0; left > 0; i++) left = all[i].took(left)
    return sent
  }

  // What may leave in one write.
  #nextWrite(start) {
    const entries = this.#entries
    let end = start + 1
    while (
      end < entries.length &&
      end - start < COUNT_LIMIT &&
      !entries[end].isAlone &&
      !entries[start].isAlone
    ) {
      end++
    }
    return entries.slice(start, end)
  }

  discard() {
    this.size = 0
    this.#drop(this.#entries.length)
  }

  #drop(count) {
    for (const entry of this.#entries.splice(0, count)) {
      entry.drop()
      this.#onOver(entry)
    }
  }
}

module.exports = { UnsentQueue }
