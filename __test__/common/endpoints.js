'use strict'

// Where the two sides of a scenario meet. Every listener gets port 0 or a path of its own, so files
// may run at once.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')

const HOST = '127.0.0.1'

let made = 0

// A path nobody listens on yet; on Windows a pipe name.
function localPath() {
  const name = `ferrowire-${process.pid}-${++made}-${Date.now().toString(36)}`
  return process.platform === 'win32'
    ? `\\\\.\\pipe\\${name}`
    : path.join(os.tmpdir(), `${name}.sock`)
}

function removePath(file) {
  if (process.platform !== 'win32') fs.rmSync(file, { force: true })
}

module.exports = { HOST, localPath, removePath }
