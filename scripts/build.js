'use strict'

// `npm install` in a checkout comes here (the `prepare` script), and so do the demo and the tests: builds the addon unless
// the one that lies there is newer than all it is made from. Quiet about success, the whole of cargo's words on failure.

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const path = require('node:path')
const { terminal: stdout } = require('./terminal')

const ROOT = path.join(__dirname, '..')
const OUTPUT = path.join(ROOT, 'src', 'js', 'binding')
const KEPT_OUTPUT = 1 << 20

function newest(paths) {
  let newestTime = 0
  for (const file of paths) newestTime = Math.max(newestTime, fs.statSync(file).mtimeMs)
  return newestTime
}

function sources() {
  const rust = fs.readdirSync(path.join(ROOT, 'src'), { recursive: true })
  return rust
    .filter((file) => file.endsWith('.rs'))
    .map((file) => path.join('src', file))
    .concat('build.rs', 'Cargo.toml', 'Cargo.lock')
    .map((file) => path.join(ROOT, file))
}

// The binary of this platform; its name goes on with the C library or toolchain (`-gnu`, `-musl`, `-msvc`).
function binary() {
  const prefix = `ferrowire.${process.platform}-${process.arch}`
  const files = fs.existsSync(OUTPUT) ? fs.readdirSync(OUTPUT) : []
  const name = files.find((file) => file.startsWith(prefix) && file.endsWith('.node'))
  return name && path.join(OUTPUT, name)
}

function isFresh() {
  const file = binary()
  return file !== undefined && fs.statSync(file).mtimeMs >= newest(sources())
}

function crateCount() {
  const lock = fs.readFileSync(path.join(ROOT, 'Cargo.lock'), 'utf8')
  return lock.split('[[package]]').length - 1
}

// Runs cargo through the napi CLI, which also writes the binary's typing.
function compile({ release, terminal }) {
  const cli = require.resolve('@napi-rs/cli/package.json')
  const bin = path.join(path.dirname(cli), require(cli).bin.napi)
  const args = [bin, 'build', '--platform', '--no-js', '--output-dir', OUTPUT]
  if (release) args.push('--release')
  const total = crateCount()
  let compiled = 0
  let output = ''
  const began = Date.now()
  terminal.status('building the addon')

  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] })
    const onText = (text) => {
      output = (output + text).slice(-KEPT_OUTPUT)
      for (const [, crate] of text.matchAll(/Compiling (\S+)/g)) {
        compiled++
        // The lock file also names crates of other platforms, hence "of at most".
        const last = crate === 'ferrowire' ? ', the last and longest' : ''
        terminal.status(`building the addon: ${crate} (${compiled} of at most ${total}${last})`)
      }
    }
    child.stdout.setEncoding('utf8').on('data', onText)
    child.stderr.setEncoding('utf8').on('data', onText)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      terminal.done()
      if (code === 0) return resolve((Date.now() - began) / 1000)
      reject(new Error(`${output}\nthe build ended with ${signal ?? `status ${code}`}`))
    })
  })
}

function requireCargo() {
  return new Promise((resolve, reject) => {
    const child = spawn('cargo', ['--version'], { stdio: 'ignore' })
    child.on('error', () =>
      reject(
        new Error(
          'Ferrowire is built from source and needs Rust: no `cargo` on the PATH (see https://rustup.rs).',
        ),
      ),
    )
    child.on('close', resolve)
  })
}

// `force` leaves the question of freshness to cargo, which also notices that the last build was a debug one.
async function build({ release = true, force = false, terminal = stdout } = {}) {
  if (!force && isFresh()) return
  await requireCargo()
  const seconds = await compile({ release, terminal })
  terminal.ok(`addon built in ${seconds.toFixed(0)} s`)
}

module.exports = { ROOT, build }

if (require.main === module) {
  build().catch((error) => {
    stdout.bad(error.message)
    process.exitCode = 1
  })
}
