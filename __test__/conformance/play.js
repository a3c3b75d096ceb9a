'use strict'

// Plays one of Node's test files, in a process of its own and as Node's own runner does: its flags and environment are in
// comments of the file, its exit status is the verdict.

const { spawn } = require('node:child_process')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { ROOT } = require('../../scripts/build')

const LIMIT_MS = 30_000
const REGISTER = path.join(ROOT, 'src', 'js', 'register.js')
const POISON = path.join(ROOT, '__test__', 'common', 'poison.js')
const FOREIGN = /^(NODE_|TEST_|FERROWIRE_|npm_|NPM_)/

const running = new Set()
let played = 0

function commentOf(source, name) {
  const found = new RegExp(`^//\\s+${name}:(.*)`, 'm').exec(source)
  return found ? found[1].trim().split(/\s+/) : []
}

function environment(source, { scratch, mark, poison, parallel }) {
  const own = Object.fromEntries(commentOf(source, 'Env').map((pair) => pair.split(/=(.*)/s, 2)))
  const kept = Object.entries(process.env).filter(([name]) => !FOREIGN.test(name))
  const preloads = poison ? [REGISTER, POISON] : [REGISTER]
  const options = [own.NODE_OPTIONS ?? '', ...preloads.map((file) => `--require "${file}"`)]
  return {
    ...Object.fromEntries(kept),
    HOME: scratch,
    TMPDIR: scratch,
    NODE_TEST_DIR: scratch,
    TEST_SERIAL_ID: String(played),
    TEST_THREAD_ID: '0',
    TEST_PARALLEL: parallel ? '1' : '0',
    CONFORMANCE_MARK: mark,
    ...own,
    NODE_OPTIONS: options.join(' ').trim(),
  }
}

// Resolves with { passed, said }.
async function play({ tests, node, file, poison }) {
  played++
  const mark = `${process.pid}.${played}`
  const full = path.join(tests, file)
  const source = fs.readFileSync(full, 'utf8')
  // A short path: those of unix sockets end at 107 bytes.
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'fwc-'))
  const parallel = !file.startsWith('sequential/')
  const argv = [node, ...commentOf(source, 'Flags'), full]
  // Some abort on purpose: no core files.
  const child = spawn('/bin/sh', ['-c', 'ulimit -c 0; exec "$0" "$@"', ...argv], {
    cwd: path.dirname(tests),
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: tests leave children behind.
    detached: true,
    env: environment(source, { scratch, mark, poison, parallel }),
  })
  running.add(child)
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr']) {
    child[name].setEncoding('utf8').on('data', (text) => (said[name] += text))
  }
  const limit = setTimeout(() => endGroup(child), LIMIT_MS)
  const code = await new Promise((resolve) => child.on('exit', resolve))
  clearTimeout(limit)
  endGroup(child)
  running.delete(child)
  endStrays(mark)
  fs.rmSync(scratch, { recursive: true, force: true, maxRetries: 3 })
  const skipped = /^1\.\.0 # Skipped/m.test(said.stdout)
  return { passed: code === 0 && !skipped, said: `${said.stdout}${said.stderr}` }
}

function endGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

// What a finished test left behind outside of its group.
function endStrays(mark) {
  const wanted = `CONFORMANCE_MARK=${mark}\0`
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const isOurs = fs.readFileSync(`/proc/${pid}/environ`, 'latin1').includes(wanted)
      if (isOurs) process.kill(Number(pid), 'SIGKILL')
    } catch {
      // Gone, or not ours to read.
    }
  }
}

process.on('exit', () => {
  for (const child of running) endGroup(child)
})

module.exports = { play }
