'use strict'

// What a message looks like on the fork channel: `createFrames` gives what collects messages as
// bytes, `decode` gets a frame without its newline or length.

const json = {
  createFrames: () => undefined,
  decode: JSON.parse,
}

// The other one is loaded when a channel wants it: every child pays for what is loaded.
const serializationOf = (name) => (name === 'advanced' ? require('./advanced') : json)

module.exports = { serializationOf }
