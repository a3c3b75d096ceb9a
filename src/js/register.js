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

const OWN_FOLDER = __dirname + path.sep
const OURS = new Map(
  Object.entries({
    net: './net/index.js',
    http: './http/index.js',
    child_process: './child_process.js',
  }).flatMap(([name, file]) => {
    const target = path.join(__dirname, file)
    return [
      [name, target],
      [`node:${name}`, target],
    ]
  }),
)

const isCluster = (name) => name === 'cluster' || name === 'node:cluster'

// Our own modules need Node's.
function isOwn(parent) {
  return typeof parent === 'string' && parent.startsWith(OWN_FOLDER)
}

function redirectByHooks() {
  const ownUrl = pathToFileURL(OWN_FOLDER).href
  Module.registerHooks({
    resolve(specifier, context, next) {
      if (context.parentURL?.startsWith(ownUrl)) return next(specifier, context)
      if (isCluster(specifier)) loadCluster()
      const target = OURS.get(specifier)
      if (target === undefined) return next(specifier, context)
      return { url: pathToFileURL(target).href, format: 'commonjs', shortCircuit: true }
    },
  })
}

// Before Node 22.15: requires by the loader function, imports by a loader thread.
function redirectByLoader() {
  // An import would load it without asking us.
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

if (addonsAllowed()) {
  const net = require('./net')
  require('./http')
  require('./internal/active-handles').tellActiveHandles()
  useModules({ fork: require('./child_process').fork, net })
  if (typeof Module.registerHooks === 'function') redirectByHooks()
  else redirectByLoader()
}
