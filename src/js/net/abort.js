'use strict'

// Option `signal` of sockets and servers.

const process = require('node:process')
const { addAbortListener } = require('node:events')
const { validateAbortSignal } = require('../internal/validators')

// The stream machinery destroys the socket; here only the connecting is told to stop.
function addClientAbortSignal(socket, signal) {
  validateAbortSignal(signal, 'options.signal')
  let disposable
  const onAbort = () => {
    disposable?.[Symbol.dispose]()
    socket._aborted = true
  }
  process.nextTick(() => {
    if (signal.aborted) onAbort()
    else disposable = addAbortListener(signal, onAbort)
  })
}

function addServerAbortSignal(server, signal) {
  if (signal === undefined) return
  validateAbortSignal(signal, 'options.signal')
  const onAbort = () => server.close()
  if (signal.aborted) {
    process.nextTick(onAbort)
  } else {
    const disposable = addAbortListener(signal, onAbort)
    server.once('close', () => disposable[Symbol.dispose]())
  }
}

module.exports = { addClientAbortSignal, addServerAbortSignal }
