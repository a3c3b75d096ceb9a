'use strict'

const net = require('./net')
const http = require('./http')
const child_process = require('./child_process')

module.exports = { net, http, child_process }
