'use strict'

// What the benchmark needs beside Node, and where it lies: the Rust programs of this folder, packages, Linux.

const { execFile } = require('node:child_process')
const fs = require('node:fs')
const { createRequire } = require('node:module')
const path = require('node:path')
const { promisify } = require('node:util')
const { OTHERS, ROOT, others } = require('./sides')

const run = promisify(execFile)

const BINARY = process.platform === 'win32' ? '.exe' : ''
const binary = (name) => path.join(ROOT, 'target', `bench-${name}${BINARY}`)

const LOAD = binary('load')
const PEER = binary('peer')
const LIMIT = binary('limit')

const PROGRAMS = new Map([[LOAD, path.join('load', 'main.rs')]])
// The peer is written for poll(2), and where that is missing there is no driver to measure yet either.
if (process.platform !== 'win32') PROGRAMS.set(PEER, 'peer.rs')
if (process.platform === 'linux') PROGRAMS.set(LIMIT, 'limit.rs')

async function compile(programs = [...PROGRAMS.keys()]) {
  for (const binary of programs) {
    await compileOne(binary, path.join(__dirname, PROGRAMS.get(binary)))
  }
}

// A program of several files has a folder of its own.
function newest(source) {
  const folder = path.dirname(source)
  const files = folder === __dirname ? [source] : fs.readdirSync(folder)
  return Math.max(...files.map((file) => fs.statSync(path.resolve(folder, file)).mtimeMs))
}

async function compileOne(binary, source) {
  if (fs.existsSync(binary) && fs.statSync(binary).mtimeMs >= newest(source)) return
  fs.mkdirSync(path.dirname(binary), { recursive: true })
  try {
    await run('rustc', ['--edition', '2024', '-O', '-o', binary, source])
  } catch (error) {
    if (error.code !== 'ENOENT') throw error
    throw new Error('the load generator is a Rust program: no `rustc` on the PATH', {
      cause: error,
    })
  }
}

async function installOthers(names) {
  const wanted = names.map((name) => others[name]).filter((other) => other.package)
  const missing = wanted.filter(
    (other) => !fs.existsSync(path.join(OTHERS, 'node_modules', other.package)),
  )
  if (missing.length === 0) return
  fs.mkdirSync(OTHERS, { recursive: true })
  const manifest = path.join(OTHERS, 'package.json')
  // A new one would forget what is there, and npm would take it away.
  if (!fs.existsSync(manifest)) {
    fs.writeFileSync(manifest, '{ "name": "bench-others", "private": true }')
  }
  const packages = [...new Set(missing.map((other) => other.from ?? other.package))]
  await run('npm', ['install', '--no-audit', '--no-fund', ...packages], { cwd: OTHERS })
}

// Why a row cannot be measured here, null when it can.
function obstacle({ kind, needs }) {
  if ((kind === 'idle' || kind === 'fresh') && process.platform !== 'linux') {
    return 'it is read from /proc'
  }
  if (needs === undefined) return null
  try {
    createRequire(path.join(ROOT, 'x.js')).resolve(needs)
    return null
  } catch {
    return `it needs ${needs}, which \`npm install\` brings`
  }
}

module.exports = { LIMIT, LOAD, PEER, compile, installOthers, obstacle }
