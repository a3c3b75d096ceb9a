'use strict'

// Logging of the kind that NODE_DEBUG=net gives, under NODE_DEBUG=ferrowire. Where nobody asked for it, a call costs nothing:
// Node's own function would gather its arguments each time.

const log = require('node:util').debuglog('ferrowire')

module.exports = { debug: log.enabled ? log : () => {} }
