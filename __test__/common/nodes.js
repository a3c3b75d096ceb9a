'use strict'

// The node binaries of other versions, for conversations between them: those that FERROWIRE_NODES
// lists (as PATH lists folders), or those that .ci/run has installed.

const fs = require('node:fs')
const path = require('node:path')
const { execFileSync } = require('node:child_process')

const INSTALLED = path.join(__dirname, '..', '..', 'target', 'ci-nodes')

function installed() {
  if (!fs.existsSync(INSTALLED)) return []
  const platform = `node-${process.platform}-${process.arch}`
  return fs
    .readdirSync(INSTALLED)
    .map((version) => path.join(INSTALLED, version, 'node_modules', platform, 'bin/node'))
    .filter((file) => fs.existsSync(file))
}

// Of each version one, [{ version, binary }]; that of this process is always there.
function nodes() {
  const listed = process.env.FERROWIRE_NODES?.split(path.delimiter).filter(Boolean)
  const found = new Map([[process.versions.node, process.execPath]])
  for (const binary of listed ?? installed()) {
    const version = execFileSync(binary, ['-p', 'process.versions.node'], { encoding: 'utf8' })
    if (!found.has(version.trim())) found.set(version.trim(), binary)
  }
  return Array.from(found, ([version, binary]) => ({ version, binary }))
}

module.exports = { nodes }
