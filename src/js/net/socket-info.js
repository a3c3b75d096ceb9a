'use strict'

// What a socket tells about itself (addresses, counters, state), and its socket options. The
// functions have the names that Node's have, most of them none.

const { Buffer } = require('node:buffer')
const { codes, errnoException } = require('../internal/errors')
const { validateInt32 } = require('../internal/validators')
const {
  kBoundPath,
  kBytesRead,
  kBytesWritten,
  kHandle,
  kSetKeepAlive,
  kSetKeepAliveCount,
  kSetKeepAliveInitialDelay,
  kSetKeepAliveInterval,
  kSetNoDelay,
  kSetTOS,
} = require('../internal/symbols')

// Everything that the user wrote: sent, waiting in the stream, waiting for the connection.
function countWritten(socket) {
  let bytes = socket._bytesDispatched
  const { writableBuffer, _pendingData: pending } = socket
  if (!writableBuffer) return undefined
  for (const { chunk, encoding } of writableBuffer) bytes += sizeOf(chunk, encoding)
  if (Array.isArray(pending)) {
    for (const entry of pending) {
      bytes +=
        pending.allBuffers || entry instanceof Buffer
          ? sizeOf(entry.chunk ?? entry)
          : sizeOf(entry.chunk, entry.encoding)
    }
  } else if (pending) {
    bytes += sizeOf(pending, socket._pendingEncoding)
  }
  return bytes
}

function sizeOf(data, encoding) {
  return typeof data === 'string' ? Buffer.byteLength(data, encoding) : data.length
}

function defineOptions(prototype) {
  prototype.setNoDelay = function (enable) {
    enable = enable === undefined ? true : Boolean(enable)
    if (!this._handle) {
      this[kSetNoDelay] = enable
    } else if (this._handle.setNoDelay && enable !== this[kSetNoDelay]) {
      this[kSetNoDelay] = enable
      this._handle.setNoDelay(enable)
    }
    return this
  }

  prototype.setKeepAlive = function (enable, initialDelay, interval, count) {
    if (enable !== null && typeof enable === 'object') {
      ;({ enable, initialDelay, interval, count } = enable)
    }
    enable = Boolean(enable)
    const delay = ~~(initialDelay / 1000)
    interval = interval === undefined ? undefined : ~~(interval / 1000)
    const { _handle: handle } = this
    if (handle) {
      const changed =
        enable !== this[kSetKeepAlive] ||
        (enable &&
          (this[kSetKeepAliveInitialDelay] !== delay ||
            this[kSetKeepAliveInterval] !== interval ||
            this[kSetKeepAliveCount] !== count))
      if (!handle.setKeepAlive || !changed) return this
    }
    this[kSetKeepAlive] = enable
    this[kSetKeepAliveInitialDelay] = delay
    this[kSetKeepAliveInterval] = interval
    this[kSetKeepAliveCount] = count
    handle?.setKeepAlive(enable, delay, interval, count)
    return this
  }

  prototype.setTypeOfService = function (tos) {
    if (Number.isNaN(tos)) throw new codes.ERR_INVALID_ARG_TYPE('tos', 'number', tos)
    validateInt32(tos, 'tos', 0, 255)
    if (!this._handle || !this._handle.setTypeOfService) {
      this[kSetTOS] = tos
    } else if (tos !== this[kSetTOS]) {
      this[kSetTOS] = tos
      const error = this._handle.setTypeOfService(tos)
      if (error) throw errnoException(error, 'setTypeOfService')
    }
    return this
  }

  prototype.getTypeOfService = function () {
    if (!this._handle || !this._handle.getTypeOfService) return this[kSetTOS] ?? 0
    const tos = this._handle.getTypeOfService()
    if (tos < 0) throw errnoException(tos, 'getTypeOfService')
    return tos
  }

  // Without a handle yet, references wait for the connection.
  prototype.ref = function () {
    if (!this._handle) this.once('connect', this.ref)
    else this._handle.ref?.()
    return this
  }

  prototype.unref = function () {
    if (!this._handle) this.once('connect', this.unref)
    else this._handle.unref?.()
    return this
  }
}

function defineAddresses(prototype) {
  prototype._getpeername = function () {
    if (!this._handle || !this._handle.getpeername || this.connecting) return this._peername || {}
    if (!this._peername) {
      const name = {}
      if (this._handle.getpeername(name) !== 0) return name
      this._peername = name
    }
    return this._peername
  }

  prototype._getsockname = function () {
    if (this[kBoundPath] !== undefined) return { address: this[kBoundPath] }
    if (!this._handle || !this._handle.getsockname) return {}
    if (!this._sockname) {
      this._sockname = {}
      this._handle.getsockname(this._sockname)
    }
    return this._sockname
  }

  prototype.address = function () {
    return this._getsockname()
  }
}

// Accessors that for...in shows.
const SHOWN = {
  bytesRead() {
    return this._handle ? this._handle.bytesRead : this[kBytesRead]
  },
  remoteAddress() {
    return this._getpeername().address
  },
  remoteFamily() {
    return this._getpeername().family
  },
  remotePort() {
    return this._getpeername().port
  },
  localAddress() {
    return this._getsockname().address
  },
  localPort() {
    return this._getsockname().port
  },
  localFamily() {
    return this._getsockname().family
  },
  _bytesDispatched() {
    return this._handle ? this._handle.bytesWritten : this[kBytesWritten]
  },
  bytesWritten() {
    return countWritten(this)
  },
}

const HIDDEN = {
  _connecting: {
    get: function () {
      return this.connecting
    },
  },
  pending: {
    get() {
      return !this._handle || this.connecting
    },
    configurable: true,
  },
  readyState: {
    get: function () {
      if (this.connecting) return 'opening'
      if (this.readable) return this.writable ? 'open' : 'readOnly'
      return this.writable ? 'writeOnly' : 'closed'
    },
  },
  bufferSize: {
    get: function () {
      return this._handle ? this.writableLength : undefined
    },
  },
  _handle: {
    get() {
      return this[kHandle]
    },
    set(handle) {
      return (this[kHandle] = handle)
    },
  },
}

function defineSocketInfo({ prototype }) {
  defineOptions(prototype)
  defineAddresses(prototype)
  Object.defineProperties(prototype, HIDDEN)
  for (const [name, get] of Object.entries(SHOWN)) {
    Object.defineProperty(prototype, name, { get, enumerable: true })
  }
}

module.exports = defineSocketInfo
