'use strict'

// The serialization `advanced`: V8's own format, with Node's way to write what V8 leaves to its host.

const { DefaultDeserializer, DefaultSerializer } = require('node:v8')
const { Frames } = require('./frames')
const { readMessage } = require('./value-reader')

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

// Worded as by Node 24, whose own reader of these is not in JavaScript any more.
const cutOff = () => new Error('Unable to deserialize cloned data.')
const invalid = (what) =>
  Object.assign(new Error(`Invalid host object ${what}`), { code: 'ERR_INVALID_STATE' })

class MessageDeserializer extends DefaultDeserializer {
  _readHostObject() {
    const tag = this.#readTag()
    if (tag === VIEW) return this.#readView()
    if (tag === PLAIN_OBJECT) return this.readValue()
    throw invalid('tag')
  }

  #readTag() {
    try {
      return this.readUint32()
    } catch {
      throw cutOff()
    }
  }

  #readView() {
    try {
      return super._readHostObject()
    } catch (error) {
      // Of a type that is none it reads the size.
      throw error instanceof TypeError ? invalid('type index') : cutOff()
    }
  }
}

function serialize(message) {
  const serializer = new MessageSerializer()
  serializer.writeHeader()
  serializer.writeValue(message)
  return serializer.releaseBuffer()
}

function deserialize(bytes) {
  const deserializer = new MessageDeserializer(bytes)
  deserializer.readHeader()
  return deserializer.readValue()
}

module.exports = {
  createFrames: () => new Frames(serialize),
  // The engine's own memory for a frame that lies whole in it, else a buffer that is ours.
  decode: (buffer, start, end, isOwned) => readMessage(buffer, start, end, isOwned, deserialize),
}
