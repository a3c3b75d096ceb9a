'use strict'

// libuv's error numbers, which differ between systems: 0 less the system's own on Unix, of libuv's own making on Windows.

const { getSystemErrorMap } = require('node:util')

const byName = {}
for (const [number, [name]] of getSystemErrorMap()) byName[`UV_${name}`] = number

module.exports = byName
