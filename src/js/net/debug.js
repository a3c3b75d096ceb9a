'use strict'

// Logging of the kind that NODE_DEBUG=net gives, under NODE_DEBUG=ferrowire.

module.exports = { debug: require('node:util').debuglog('ferrowire') }
