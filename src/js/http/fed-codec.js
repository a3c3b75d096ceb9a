'use strict'

// The HTTP codec for bytes that JavaScript brings: any Duplex given to a server, a socket whose bytes a user's
// listener wants to see as well, a declined upgrade. It reports as a handle does (codec.js), but from inside execute().

const { Buffer } = require('node:buffer')
const { BODY, HEAD, MESSAGE_END, PARSE_ERROR, PARTIAL, UPGRADE } = require('../internal/records')
const { native } = require('../outbox')

const STRIDE = 5

class FedCodec {
  constructor(codec) {
    this.codec = codec
  }

  static create(role, maxHeaderSize, maxFields, lenientFlags) {
    return new FedCodec(new native.HttpCodec(role, maxHeaderSize, maxFields, lenientFlags))
  }

  // The connection of `handle` is raw afterwards. Null when no HTTP was spoken on it.
  static takeFrom(handle) {
    const codec = native.takeHttp(handle.id)
    return codec === null ? null : new FedCodec(codec)
  }

  httpExpect(flags) {
    this.codec.expect(flags)
  }

  execute(chunk) {
    this.deliver(this.codec.execute(chunk), chunk)
  }

  finish() {
    this.deliver(this.codec.finish(), undefined)
  }

  decline() {
    this.deliver(this.codec.decline(), undefined)
  }

  deliver({ records, text }, chunk) {
    for (let at = 0; at < records.length; at += STRIDE) {
      const a = records[at + 1]
      const b = records[at + 2]
      switch (records[at]) {
        case HEAD:
          this.onhead(text.latin1Slice(a, a + b), records[at + 3], records[at + 4])
          break
        case BODY:
          // Others may hold the chunk too, so a body's piece owns its bytes.
          this.onbody(Buffer.from(chunk.subarray(a, a + b)))
          break
        case MESSAGE_END:
          this.onmessageend(text.latin1Slice(a, a + b))
          break
        case UPGRADE:
          this.onupgrade(chunk.subarray(a))
          break
        case PARSE_ERROR:
          this.onparseerror(a, b, chunk)
          break
        case PARTIAL:
          this.onpartial()
          break
      }
    }
  }
}

module.exports = { FedCodec }
