'use strict'

// node:cluster, loaded on demand: it looks at the environment of the process then. Under the
// preload its workers are to be forked by Ferrowire, so that sockets and servers of ours can be
// sent to them, and its primary is to listen with Ferrowire. cluster takes `fork` from
// node:child_process once, when it is loaded, and makes a server while it handles a worker's
// 'queryServer'; only for those moments are these ours there.

let ours
let cluster

/** Under the preload: `modules` loads what it is asked for. */
function useModules(modules) {
  ours = modules
}

// Few processes that listen have workers.
function forkLater(...args) {
  return ours.fork(...args)
}

function loadCluster() {
  if (cluster !== undefined) return cluster
  const childProcess = require('node:child_process')
  const { fork } = childProcess
  try {
    if (ours?.hasFork) childProcess.fork = forkLater
    cluster = require('node:cluster')
  } finally {
    childProcess.fork = fork
  }
  return cluster
}

/** Whether a worker's message makes the primary listen for it. */
function asksToListen({ cmd, act }) {
  return ours !== undefined && cmd === 'NODE_CLUSTER' && act === 'queryServer'
}

// A handle that is shared with workers instead (SCHED_NONE) accepts nothing in the primary, and stays Node's.
function withOurServers(job) {
  const nodeNet = require('node:net')
  const { createServer } = nodeNet
  try {
    nodeNet.createServer = ours.net.createServer
    job()
  } finally {
    nodeNet.createServer = createServer
  }
}

module.exports = { asksToListen, loadCluster, useModules, withOurServers }
