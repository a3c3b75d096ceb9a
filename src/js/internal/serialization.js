'use strict'

// What a message looks like on the fork channel. `encode` gives the whole frame as it is written,
// `decode` gets one without its newline or length: a string for json, a Buffer for advanced.

const { DefaultDeserializer, DefaultSerializer } = require('node:v8')

// In front of each object that V8 leaves to its host, as Node writes it.
const VIEW = 0
const PLAIN_OBJECT = 1

class MessageSerializer extends DefaultSerializer {
  _writeHostObject(object) {
    if (ArrayBuffer.isView(object)) {
      this.writeUint32(VIEW)
      return super._writeHostObject(object)
    }
    // Such as a URL: its own properties travel, its class does not.
    this.writeUint32(PLAIN_OBJECT)
    this.writeValue({ ...object })
  }
}

class MessageDeserializer extends DefaultDeserializer {
  _readHostObject() {
    const tag = this.readUint32()
    if (tag === VIEW) return super._readHostObject()
    if (tag === PLAIN_OBJECT) return this.readValue()
    throw new Error('Unable to deserialize cloned data.')
  }
}

const LENGTH_BYTES = 4

const json = {
  encode: (message) => JSON.stringify(message) + '\n',
  decode: JSON.parse,
}

const advanced = {
  encode(message) {
    const serializer = new MessageSerializer()
    serializer.writeHeader()
    serializer.writeValue(message)
    const body = serializer.releaseBuffer()
    const frame = Buffer.allocUnsafe(LENGTH_BYTES + body.length)
    frame.writeUInt32BE(body.length)
    frame.set(body, LENGTH_BYTES)
    return frame
  },

  decode(frame) {
    const deserializer = new MessageDeserializer(frame)
    deserializer.readHeader()
    return deserializer.readValue()
  },
}

module.exports = { serializations: { __proto__: null, advanced, json } }
