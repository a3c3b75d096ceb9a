'use strict'

// node:cluster, loaded on demand: it looks at the environment of the process then. Under the
// preload its workers are to be forked by Ferrowire, so that sockets and servers of ours can be
// sent to them. cluster takes `fork` from node:child_process once, when it is loaded; only for that
// moment is it ours there.

const childProcess = require('node:child_process')

let ourFork
let cluster

function useFork(fork) {
  ourFork = fork
}

function loadCluster() {
  if (cluster !== undefined) return cluster
  const { fork } = childProcess
  try {
    if (ourFork !== undefined) childProcess.fork = ourFork
    cluster = require('node:cluster')
  } finally {
    childProcess.fork = fork
  }
  return cluster
}

module.exports = { loadCluster, useFork }
