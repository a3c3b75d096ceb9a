'use strict'

// What a socket tells about itself (addresses, counters, state), and its socket options.

const { codes, errnoException } = require('../internal/errors')
const { validateInt32 } = require('../internal/validators')
const {
  kBoundPath,
  kBytesRead,
  kBytesWritten,
  kHandle,
  kKeepAlive,
  kSetKeepAlive,
  kSetNoDelay,
  kSetTOS,
} = require('../internal/symbols')

function setNoDelay(enable) {
  enable = enable === undefined ? true : Boolean(enable)
  if (!this._handle) {
    this[kSetNoDelay] = enable
  } else if (this._handle.setNoDelay && enable !== this[kSetNoDelay]) {
    this[kSetNoDelay] = enable
    this._handle.setNoDelay(enable)
  }
  return this
}

function setKeepAlive(enable, initialDelay, interval, count) {
  if (enable !== null && typeof enable === 'object') {
    ;({ enable, initialDelay, interval, count } = enable)
  }
  enable = Boolean(enable)
  const wanted = {
    delay: ~~(initialDelay / 1000),
    interval: interval === undefined ? undefined : ~~(interval / 1000),
    count,
  }
  if (this._handle && !this._handle.setKeepAlive) return this
  const current = this[kKeepAlive]
  const changed =
    enable !== this[kSetKeepAlive] ||
    (enable &&
      (current.delay !== wanted.delay ||
        current.interval !== wanted.interval ||
        current.count !== wanted.count))
  this[kSetKeepAlive] = enable
  this[kKeepAlive] = wanted
  if (this._handle && changed) {
    this._handle.setKeepAlive(enable, wanted.delay, wanted.interval, wanted.count)
  }
  return this
}

function setTypeOfService(tos) {
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

function getTypeOfService() {
  if (!this._handle || !this._handle.getTypeOfService) return this[kSetTOS] ?? 0
  const tos = this._handle.getTypeOfService()
  if (tos < 0) throw errnoException(tos, 'getTypeOfService')
  return tos
}

// Without a handle yet, references wait for the connection.
function ref() {
  if (!this._handle) this.once('connect', this.ref)
  else this._handle.ref?.()
  return this
}

function unref() {
  if (!this._handle) this.once('connect', this.unref)
  else this._handle.unref?.()
  return this
}

function getPeerName() {
  if (!this._handle || !this._handle.getpeername || this.connecting) return this._peername || {}
  if (!this._peername) {
    const name = {}
    if (this._handle.getpeername(name) !== 0) return name
    this._peername = name
  }
  return this._peername
}

function getSockName() {
  if (this[kBoundPath] !== undefined) return { address: this[kBoundPath] }
  if (!this._handle || !this._handle.getsockname) return {}
  if (!this._sockname) {
    this._sockname = {}
    this._handle.getsockname(this._sockname)
  }
  return this._sockname
}

function sizeOf(data, encoding) {
  return typeof data === 'string' ? Buffer.byteLength(data, encoding) : data.length
}

// Everything written by the user: sent, waiting in the stream, waiting for the connection.
function getBytesWritten() {
  let bytes = this._bytesDispatched
  const { writableBuffer, _pendingData: pending } = this
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
    bytes += sizeOf(pending, this._pendingEncoding)
  }
  return bytes
}

function getReadyState() {
  if (this.connecting) return 'opening'
  if (this.readable) return this.writable ? 'open' : 'readOnly'
  return this.writable ? 'writeOnly' : 'closed'
}

function defineSocketInfo(Socket) {
  const { prototype } = Socket
  Object.assign(prototype, {
    setNoDelay,
    setKeepAlive,
    setTypeOfService,
    getTypeOfService,
    ref,
    unref,
    _getpeername: getPeerName,
    _getsockname: getSockName,
    address() {
      return this._getsockname()
    },
  })

  const getter = (name, get, attributes) =>
    Object.defineProperty(prototype, name, { get, ...attributes })

  getter('_connecting', function () {
    return this.connecting
  })
  getter(
    'pending',
    function () {
      return !this._handle || this.connecting
    },
    { configurable: true },
  )
  getter('readyState', getReadyState)
  getter('bufferSize', function () {
    return this._handle ? this.writableLength : undefined
  })

  const shown = { enumerable: true }
  getter(
    'bytesRead',
    function bytesRead() {
      return this._handle ? this._handle.bytesRead : this[kBytesRead]
    },
    shown,
  )
  getter(
    '_bytesDispatched',
    function _bytesDispatched() {
      return this._handle ? this._handle.bytesWritten : this[kBytesWritten]
    },
    shown,
  )
  getter('bytesWritten', getBytesWritten, shown)
  for (const key of ['address', 'family', 'port']) {
    const suffix = key[0].toUpperCase() + key.slice(1)
    getter(
      `remote${suffix}`,
      function () {
        return this._getpeername()[key]
      },
      shown,
    )
    getter(
      `local${suffix}`,
      function () {
        return this._getsockname()[key]
      },
      shown,
    )
  }

  Object.defineProperty(prototype, '_handle', {
    get() {
      return this[kHandle]
    },
    set(handle) {
      this[kHandle] = handle
    },
  })
}

module.exports = defineSocketInfo
