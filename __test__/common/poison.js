'use strict'

// A preload that makes the built-in transports throw, so that whatever still works does not run on
// them.

// Older Nodes warn that these bindings are deprecated; a warning would be an entry in somebody's log.
const { noDeprecation } = process
process.noDeprecation = true
const transports = {
  TCP: process.binding('tcp_wrap').TCP,
  Pipe: process.binding('pipe_wrap').Pipe,
  HTTPParser: httpParser(),
}
process.noDeprecation = noDeprecation

// Node 24 and later refuse the binding, but hand on what they took from it.
function httpParser() {
  try {
    return process.binding('http_parser').HTTPParser
  } catch {
    return require('_http_common').HTTPParser
  }
}

const methods = ['connect', 'connect6', 'bind', 'bind6', 'listen', 'initialize', 'execute']

for (const [name, { prototype }] of Object.entries(transports)) {
  for (const method of methods) {
    if (typeof prototype[method] !== 'function') continue
    prototype[method] = () => {
      throw new Error(`the built-in's ${name}.${method} is poisoned`)
    }
  }
}
