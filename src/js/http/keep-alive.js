'use strict'

// How long a server's connection may stay idle between two requests.
//
// Node sets the socket's timeout when the last response is out and sets it back when a request comes: two timers made
// per request, as much work as the rest of keep-alive. Here one timer per connection is left running while requests come
// and go, and looks at the clock when it fires. `socket.timeout` shows what Node's would.

const { timerDuration } = require('../internal/idle-timer')
const { kTimeout } = require('../internal/symbols')
const { clearTimeout, setTimeout } = require('../internal/timers')
const { now } = require('./clock')

class KeepAlive {
  constructor(socket) {
    this.socket = socket
    this.idle = false
    this.msecs = 0 // as promised for this idle time; 0 when the socket's own timer does the work
    this.since = 0
    this.timer = null
    this.armedFor = 0
  }

  start(msecs) {
    const { socket } = this
    if (typeof socket.setTimeout !== 'function' || socket.destroyed) return
    this.idle = true
    // Not null: somebody's timer runs on this socket and is the one to change; undefined: a foreign socket.
    if (socket[kTimeout] !== null) {
      this.msecs = 0
      socket.setTimeout(msecs)
      return
    }
    msecs = timerDuration(msecs)
    socket.timeout = msecs
    this.msecs = msecs
    this.since = now()
    if (this.timer === null || msecs < this.armedFor) this.arm(msecs)
  }

  arm(msecs) {
    clearTimeout(this.timer)
    this.armedFor = msecs
    this.timer = setTimeout(onTimer, msecs, this).unref()
  }

  /** A request has come: back to `timeout`, the server's. */
  stop(timeout) {
    if (!this.idle) return
    this.idle = false
    const { socket } = this
    if (timeout === 0 && this.msecs !== 0 && socket[kTimeout] === null) socket.timeout = 0
    else socket.setTimeout(timeout)
  }

  /** Anything read puts the end off. */
  touch() {
    if (this.idle && this.msecs !== 0) this.since = now()
    else if (this.socket.timeout) this.socket._unrefTimer?.()
  }

  clear() {
    clearTimeout(this.timer)
    this.timer = null
    this.idle = false
  }
}

function onTimer(keepAlive) {
  keepAlive.timer = null
  const { socket } = keepAlive
  // A timeout that the user has set meanwhile is the socket's own affair.
  if (!keepAlive.idle || keepAlive.msecs === 0 || socket[kTimeout] !== null) return
  const left = keepAlive.msecs - (now() - keepAlive.since)
  if (left > 0) keepAlive.arm(Math.ceil(left))
  else socket.emit('timeout')
}

module.exports = { KeepAlive }
