'use strict'

// node:child_process with the fork channel on Ferrowire. ChildProcess stays Node's own class and
// Node starts the process; only the 'ipc' entry of stdio becomes a socket of ours, passed as a
// plain descriptor. Without such an entry a call goes to Node untouched.

const fs = require('node:fs')
const process = require('node:process')
const native = require('node:child_process')
const path = require('node:path')
const { fileURLToPath } = require('node:url')
const engine = require('./engine')
const { codes } = require('./internal/errors')
const { openChannel } = require('./internal/channel')
const { validateMaxMessageLength } = require('./internal/channel-control')

const { _forkChild, ChildProcess, exec, execFile, execFileSync, execSync, spawnSync } = native

// Taken once: a script may point process.execPath at another program, which has no preload of ours.
const ownBinary = process.execPath
const preload = path.join(__dirname, 'child-preload.js')

const stdioWords = new Set(['ignore', 'inherit', 'overlapped', 'pipe'])

// Node words what is wrong with any other.
const serializations = new Set([undefined, 'json', 'advanced'])

// Modes in which the process that gets the channel runs no preload, may not load an addon, or takes no options from a file
// where NODE_OPTIONS names any.
const withoutPreload =
  /(?:^|\s)--(?:(?:experimental-)?permission|watch|build-snapshot|env-file|experimental-(?:default-)?config-file)/

const hasNull = (value) => typeof value === 'string' && value.includes('\0')

// What fork(modulePath, args, options) spawns, or undefined for arguments that Node refuses.
// Those then go to Node's fork, so that the error is Node's own, whichever version runs.
function forkCall(modulePath, args, options) {
  if (modulePath instanceof URL) modulePath = fileURLToPath(modulePath)
  else if (typeof modulePath !== 'string' && !(modulePath instanceof Uint8Array)) return undefined
  if (hasNull(modulePath)) return undefined

  if (args == null) {
    args = []
  } else if (typeof args === 'object' && !Array.isArray(args)) {
    options = args
    args = []
  } else if (!Array.isArray(args)) {
    return undefined
  }

  if (options != null && (typeof options !== 'object' || Array.isArray(options))) return undefined
  options = { __proto__: null, ...options, shell: false }
  options.execPath ||= process.execPath
  const execArgv = options.execArgv || process.execArgv
  if (hasNull(options.execPath) || !Array.isArray(execArgv) || execArgv.some(hasNull)) {
    return undefined
  }

  options.stdio = forkStdio(options)
  if (options.stdio === undefined) return undefined
  return {
    file: options.execPath,
    args: [...withoutEval(execArgv), modulePath, ...args],
    options,
  }
}

function forkStdio({ stdio, silent }) {
  if (Array.isArray(stdio)) return stdio.includes('ipc') ? stdio : undefined
  if (typeof stdio !== 'string') stdio = silent ? 'pipe' : 'inherit'
  return stdioWords.has(stdio) ? [stdio, stdio, stdio, 'ipc'] : undefined
}

// A script given with -e would be run again by each child it forks.
function withoutEval(execArgv) {
  if (execArgv !== process.execArgv || process._eval == null) return execArgv
  const index = execArgv.lastIndexOf(process._eval)
  return index > 0 ? execArgv.toSpliced(index - 1, 2) : execArgv
}

function fork(modulePath, args = [], options) {
  const call = forkCall(modulePath, args, options)
  if (call === undefined) return native.fork(modulePath, args, options)
  return spawn(call.file, call.args, call.options)
}

function spawn(file, args, options) {
  const separate = args == null || Array.isArray(args)
  const given = separate ? options : args
  // Own properties only, as in Node: a polluted Object.prototype must not open a channel.
  const settings = typeof given === 'object' ? { __proto__: null, ...given } : undefined
  if (!Array.isArray(settings?.stdio)) return native.spawn(file, args, options)

  const argv = separate ? args : []
  const sockets = settings.stdio.filter(isOurSocket)
  if (sockets.length > 0) settings.stdio = settings.stdio.map(descriptorOf)
  const index = settings.stdio.indexOf('ipc')
  // Two channels are an error that Node words.
  const child =
    index === -1 || settings.stdio.includes('ipc', index + 1)
      ? native.spawn(file, argv, sockets.length > 0 ? settings : given)
      : spawnWithChannel(file, argv, settings, index)
  for (const socket of sockets) leaveToChild(socket)
  return child
}

const isOurSocket = (entry) => entry?._handle instanceof engine.Handle
const descriptorOf = (entry) => (isOurSocket(entry) ? entry._handle.fd : entry)

// Both would read from it otherwise.
function leaveToChild(socket) {
  socket._handle.reading = false
  socket._handle.readStop()
  socket.pause?.()
  socket.readableFlowing = false
  // As in Node: a later resume() starts to read again.
  if (socket._readableState) socket._readableState.reading = false
}

function spawnWithChannel(file, argv, settings, index) {
  const { maxMessageLength, serialization } = settings
  if (!serializations.has(serialization)) return native.spawn(file, argv, settings)
  if (maxMessageLength !== undefined) validateMaxMessageLength(maxMessageLength)
  // Handles travel there in a format of libuv's own, which nobody here speaks yet.
  if (process.platform === 'win32') {
    throw new codes.ERR_FEATURE_UNAVAILABLE_ON_PLATFORM('an IPC channel of ferrowire')
  }
  const pair = engine.localPair()
  // Out of descriptors: Node meets the same wall and reports it.
  if (typeof pair === 'number') return native.spawn(file, argv, settings)

  const { handle, childFd } = pair
  let child
  try {
    settings.env = childEnvironment(file, argv, settings, index)
    settings.stdio = settings.stdio.with(index, childFd)
    child = native.spawn(file, argv, settings)
  } finally {
    // With our copy of the child's end open, its death would never reach us as an end of stream.
    engine.closeFd(childFd)
    // A child without stdio was never set up: too many open files, told by its 'error' event.
    if (child?.stdio == null) handle.close()
  }
  if (child.stdio != null) {
    child._closesNeeded++
    openChannel(child, handle, settings.serialization || 'json', maxMessageLength)
  }
  return child
}

// How the child learns of the channel. The same node binary is told by names of ours, with a
// preload that installs the channel before any other code and takes the names away again. Every
// other program gets what Node would give it.
function childEnvironment(file, args, options, fd) {
  const env = { __proto__: null }
  const given = options.env || process.env
  // Inherited names are meant to count, as in Node.
  for (const key in given) env[key] = given[key]

  const serialization = options.serialization || 'json'
  delete env.NODE_CHANNEL_FD
  delete env.NODE_CHANNEL_SERIALIZATION_MODE
  if (!runsPreload(file, args, options, env)) {
    env.NODE_CHANNEL_FD = fd
    env.NODE_CHANNEL_SERIALIZATION_MODE = serialization
    return env
  }

  const nodeOptions = env.NODE_OPTIONS
  env.FERROWIRE_CHANNEL_FD = fd
  env.FERROWIRE_CHANNEL_SERIALIZATION_MODE = serialization
  if (options.maxMessageLength !== undefined) {
    env.FERROWIRE_CHANNEL_MAX_MESSAGE_LENGTH = options.maxMessageLength
  }
  // First of all preloads, since in Node the channel is there before any of them. Quotes and
  // backslashes as Node's reader of NODE_OPTIONS wants them.
  env.NODE_OPTIONS = `--require "${preload.replace(/["\\]/g, '\\$&')}"`
  if (nodeOptions !== undefined) {
    env.FERROWIRE_CHANNEL_NODE_OPTIONS = nodeOptions
    env.NODE_OPTIONS += ` ${nodeOptions}`
  }
  return env
}

// Whether this binary takes no options from the environment: an application in a single file, whose maker decides that, and one
// that the kernel started with more rights than its user has (AT_SECURE, as for a file with capabilities).
let heedsNoOptions
const AT_SECURE = 23n

function isSecure() {
  try {
    const entries = new BigUint64Array(new Uint8Array(fs.readFileSync('/proc/self/auxv')).buffer)
    for (let i = 0; i + 1 < entries.length; i += 2) {
      if (entries[i] === AT_SECURE) return entries[i + 1] !== 0n
    }
    return false
  } catch (error) {
    // Such a process may not read it; systems without it have no such file.
    return error.code !== 'ENOENT'
  }
}

function isSingleFile() {
  return process.getBuiltinModule?.('node:sea')?.isSea() ?? false
}

function runsPreload(file, args, options, env) {
  if (file !== ownBinary) return false
  heedsNoOptions ??= isSingleFile() || isSecure()
  return (
    !heedsNoOptions &&
    !options.shell &&
    process.permission === undefined &&
    !withoutPreload.test(env.NODE_OPTIONS) &&
    !args?.some((arg) => typeof arg === 'string' && withoutPreload.test(arg))
  )
}

module.exports = {
  _forkChild,
  ChildProcess,
  exec,
  execFile,
  execFileSync,
  execSync,
  fork,
  spawn,
  spawnSync,
}

// A later Node may export more.
for (const name of Object.keys(native)) module.exports[name] ??= native[name]
