'use strict'

// The preload: `node --require ferrowire/register app.js` gives every `require` and `import` of
// net, http and child_process, with and without `node:`, Ferrowire's module. It redirects the
// specifiers and leaves the built-in module objects alone, because Node's own JavaScript (tls, the
// standard streams, cluster) reads those late.

const process = require('node:process')
const Module = require('node:module')
const path = require('node:path')
const { pathToFileURL } = require('node:url')
const { loadCluster, useModules } = require('./internal/load-cluster')

// Its channel is not there on Windows yet: an application that is started with the preload keeps Node's.
const hasChildProcess = process.platform !== 'win32'

const OWN_FOLDER = __dirname + path.sep
const OURS = new Map(
  Object.entries({
    net: './net/index.js',
    http: './http/index.js',
    ...(hasChildProcess && { child_process: './child_process.js' }),
  }).flatMap(([name, file]) => {
    const target = path.join(__dirname, file)
    return [
      [name, target],
      [`node:${name}`, target],
    ]
  }),
)

// What Node itself makes of each name.
const BUILT_IN = new Map(
  [...OURS.keys()].map((name) => [name, `node:${name.replace('node:', '')}`]),
)

const isCluster = (name) => name === 'cluster' || name === 'node:cluster'

// Our own modules need Node's.
function isOwn(parent) {
  return typeof parent === 'string' && parent.startsWith(OWN_FOLDER)
}

function resolvedByOthers(next, specifier, context) {
  try {
    return next(specifier, context)
  } catch (error) {
    // Node 22 cannot ask loaders on a thread of their own from here.
    if (error.code === 'ERR_METHOD_NOT_IMPLEMENTED') return { url: BUILT_IN.get(specifier) }
    throw error
  }
}

// Before anybody can put others in their place.
require('./internal/timers')

// What an application that asks for none of it need not wait for: 30 ms of each process and each worker thread.
let isPrepared = false

function prepare() {
  if (isPrepared) return
  isPrepared = true
  const builtIn = require('node:net')
  const net = require('./net')
  countAsInstances(net.Socket, builtIn.Socket)
  countAsInstances(net.Server, builtIn.Server)
  require('./internal/active-handles').tellActiveHandles()
}

function redirectByHooks() {
  const ownUrl = pathToFileURL(OWN_FOLDER).href
  Module.registerHooks({
    resolve(specifier, context, next) {
      if (context.parentURL?.startsWith(ownUrl)) return next(specifier, context)
      if (isCluster(specifier)) loadCluster()
      const target = OURS.get(specifier)
      if (target === undefined) return next(specifier, context)
      // Other loaders are asked first: one that wraps modules for tracing puts its own in front of them.
      const found = resolvedByOthers(next, specifier, context)
      if (found.url !== BUILT_IN.get(specifier)) return found
      prepare()
      return { url: pathToFileURL(target).href, format: 'commonjs', shortCircuit: true }
    },
  })
}

// Before Node 22.15: requires by the loader function, imports by a loader thread.
function redirectByLoader() {
  // Imports would come past us.
  prepare()
  require('./http')
  loadCluster()
  const load = Module._load
  Module._load = function (request, parent, isMain) {
    const target = isOwn(parent?.filename) ? undefined : OURS.get(request)
    return load.call(this, target ?? request, parent, isMain)
  }
  const source = `
    const ours = new Map(${JSON.stringify([...OURS].map(([name, file]) => [name, pathToFileURL(file).href]))})
    const own = ${JSON.stringify(pathToFileURL(OWN_FOLDER).href)}
    export async function resolve(specifier, context, next) {
      const url = ours.get(specifier)
      if (url === undefined || context.parentURL?.startsWith(own)) return next(specifier, context)
      return { url, format: 'commonjs', shortCircuit: true }
    }`
  Module.register(`data:text/javascript,${encodeURIComponent(source)}`)
}

// Under the permission model addons are refused: then Node stays as it is.
function addonsAllowed() {
  return process.permission === undefined || process.permission.has('addon') !== false
}

// Node's own sockets and servers, those of tls, of standard streams and of other built-in modules, are instances of the classes
// that the application finds in `net`.
function countAsInstances(Class, BuiltIn) {
  const isInstance = Function.prototype[Symbol.hasInstance]
  Object.defineProperty(Class, Symbol.hasInstance, {
    configurable: true,
    value(value) {
      return isInstance.call(this, value) || (this === Class && value instanceof BuiltIn)
    },
  })
}

// Another copy of the package may have been preloaded: both would take the other's requires for the application's.
const kRegistered = Symbol.for('ferrowire.registered')

// With --no-addons too.
function isLoadable() {
  try {
    require('./native')
    return true
  } catch (error) {
    if (error.cause?.code === 'ERR_DLOPEN_DISABLED') return false
    throw error
  }
}

if (process[kRegistered] === undefined && addonsAllowed() && isLoadable()) {
  Object.defineProperty(process, kRegistered, { value: __filename })
  useModules({
    hasFork: hasChildProcess,
    get fork() {
      return require('./child_process').fork
    },
    get net() {
      return require('./net')
    },
  })
  if (typeof Module.registerHooks === 'function') redirectByHooks()
  else redirectByLoader()
}
