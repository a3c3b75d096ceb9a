'use strict'

// Argument checks with Node's errors.

const { codes } = require('./errors')

function validateString(value, name) {
  if (typeof value !== 'string') throw new codes.ERR_INVALID_ARG_TYPE(name, 'string', value)
}

function validateStringWithoutNullBytes(value, name) {
  validateString(value, name)
  if (value.includes('\0')) {
    throw new codes.ERR_INVALID_ARG_VALUE(name, value, 'must be a string without null bytes')
  }
}

function validateBoolean(value, name) {
  if (typeof value !== 'boolean') throw new codes.ERR_INVALID_ARG_TYPE(name, 'boolean', value)
}

function validateFunction(value, name) {
  if (typeof value !== 'function') throw new codes.ERR_INVALID_ARG_TYPE(name, 'Function', value)
}

function validateObject(value, name) {
  if (value === null || Array.isArray(value) || typeof value !== 'object') {
    throw new codes.ERR_INVALID_ARG_TYPE(name, 'Object', value)
  }
}

function validateNumber(value, name, min, max) {
  if (typeof value !== 'number') throw new codes.ERR_INVALID_ARG_TYPE(name, 'number', value)
  const bounded = min != null || max != null
  if (
    (min != null && value < min) ||
    (max != null && value > max) ||
    (bounded && value !== value)
  ) {
    const low = min != null ? `>= ${min}` : ''
    const high = max != null ? `<= ${max}` : ''
    throw new codes.ERR_OUT_OF_RANGE(name, low && high ? `${low} && ${high}` : low + high, value)
  }
}

function validateInteger(
  value,
  name,
  min = Number.MIN_SAFE_INTEGER,
  max = Number.MAX_SAFE_INTEGER,
) {
  if (typeof value !== 'number') throw new codes.ERR_INVALID_ARG_TYPE(name, 'number', value)
  if (!Number.isInteger(value)) throw new codes.ERR_OUT_OF_RANGE(name, 'an integer', value)
  if (value < min || value > max) {
    throw new codes.ERR_OUT_OF_RANGE(name, `>= ${min} && <= ${max}`, value)
  }
}

function validateOneOf(value, name, allowed) {
  if (allowed.includes(value)) return
  const shown = allowed.map((item) => (typeof item === 'string' ? `'${item}'` : String(item)))
  throw new codes.ERR_INVALID_ARG_VALUE(name, value, `must be one of: ${shown.join(', ')}`)
}

function validateInt32(value, name, min = -2147483648, max = 2147483647) {
  validateInteger(value, name, min, max)
}

// Gives the port as a number. Strings of digits are ports too.
function validatePort(port, name = 'Port', allowZero = true) {
  const isText = typeof port === 'string'
  if (
    (typeof port !== 'number' && !isText) ||
    (isText && port.trim().length === 0) ||
    +port !== +port >>> 0 ||
    port > 0xffff ||
    (+port === 0 && !allowZero)
  ) {
    throw new codes.ERR_SOCKET_BAD_PORT(name, port, allowZero)
  }
  return port | 0
}

function validateAbortSignal(signal, name) {
  if (
    signal !== undefined &&
    (signal === null || typeof signal !== 'object' || !('aborted' in signal))
  ) {
    throw new codes.ERR_INVALID_ARG_TYPE(name, 'AbortSignal', signal)
  }
}

function validateBlockList(value, name) {
  // Node loads the class when it is asked for.
  const { BlockList } = require('node:net')
  if (BlockList.isBlockList?.(value) || value instanceof BlockList) return
  throw new codes.ERR_INVALID_ARG_TYPE(name, 'net.BlockList', value)
}

module.exports = {
  validateAbortSignal,
  validateBlockList,
  validateBoolean,
  validateFunction,
  validateInt32,
  validateInteger,
  validateNumber,
  validateObject,
  validateOneOf,
  validatePort,
  validateString,
  validateStringWithoutNullBytes,
}
