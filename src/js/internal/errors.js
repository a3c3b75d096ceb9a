'use strict'

// Errors as Node makes them: the same classes, codes, messages, own keys and order of keys. All
// factories live here; `codes.ERR_X` is used with `new`, as Node's own are.

const { format, inspect, getSystemErrorName, getSystemErrorMap } = require('node:util')

const PRIMITIVES = [
  'string',
  'function',
  'number',
  'object',
  'Function',
  'Object',
  'boolean',
  'bigint',
  'symbol',
]
const CLASS_NAME = /^[A-Z][a-zA-Z0-9]*$/

function list(words, last) {
  if (words.length < 3) return words.join(` ${last} `)
  return `${words.slice(0, -1).join(', ')}, ${last} ${words[words.length - 1]}`
}

// "Received ..." of an argument error.
function received(value) {
  if (value === null || value === undefined) return `${value}`
  switch (typeof value) {
    case 'function':
      return `function ${value.name}`
    case 'object':
      if (value.constructor && 'name' in value.constructor) {
        return `an instance of ${value.constructor.name}`
      }
      return inspect(value, { depth: -1 })
    case 'string': {
      const text = value.length > 28 ? `${value.slice(0, 25)}...` : value
      return `type string (${text.includes("'") ? JSON.stringify(text) : `'${text}'`})`
    }
    case 'bigint':
      return `type bigint (${value}n)`
    case 'number':
      return `type number (${Object.is(value, -0) ? '-0' : value})`
    default:
      return `type ${typeof value} (${String(value)})`
  }
}

function invalidType(name, expected, actual) {
  const types = []
  const instances = []
  const others = []
  for (const word of Array.isArray(expected) ? expected : [expected]) {
    if (PRIMITIVES.includes(word)) types.push(word.toLowerCase())
    else (CLASS_NAME.test(word) ? instances : others).push(word)
  }
  if (instances.length > 0 && types.includes('object')) {
    types.splice(types.indexOf('object'), 1)
    instances.push('Object')
  }
  const parts = []
  if (types.length > 0) {
    parts.push(`${types.length > 1 ? 'one of type' : 'of type'} ${list(types, 'or')}`)
  }
  if (instances.length > 0) parts.push(`an instance of ${list(instances, 'or')}`)
  if (others.length > 1) parts.push(`one of ${list(others, 'or')}`)
  else if (others.length === 1) {
    parts.push(others[0].toLowerCase() === others[0] ? others[0] : `an ${others[0]}`)
  }
  const subject = name.endsWith(' argument')
    ? name
    : `"${name}" ${name.includes('.') ? 'property' : 'argument'}`
  return `The ${subject} must be ${parts.join(' or ')}. Received ${received(actual)}`
}

function invalidValue(name, value, reason = 'is invalid') {
  let shown = inspect(value)
  if (shown.length > 128) shown = `${shown.slice(0, 128)}...`
  return `The ${name.includes('.') ? 'property' : 'argument'} '${name}' ${reason}. Received ${shown}`
}

// Every third place from the end, even in the text of 1e300: so does Node.
function withSeparators(digits) {
  return digits.replace(/([^-])(?=(...)+$)/g, '$1_')
}

function outOfRange(name, range, value) {
  const isWhole = Number.isInteger(value) || typeof value === 'bigint'
  const isLong = isWhole && (value > 2 ** 32 || value < -(2 ** 32))
  let shown = isLong ? withSeparators(String(value)) : inspect(value)
  if (isLong && typeof value === 'bigint') shown += 'n'
  return `The value of "${name}" is out of range. It must be ${range}. Received ${shown}`
}

function missingArgs(...names) {
  const quoted = names.map((name) =>
    Array.isArray(name) ? name.map((n) => `"${n}"`).join(' or ') : `"${name}"`,
  )
  return `The ${list(quoted, 'and')} argument${quoted.length > 1 ? 's' : ''} must be specified`
}

const codes = { __proto__: null }

function hidden(object, name, value) {
  Object.defineProperty(object, name, { value, configurable: true, writable: true })
}

// The first line of the stack shows the code; the name itself stays the class's.
function captureStack(error, code, from) {
  hidden(error, 'name', `${error.name} [${code}]`)
  Error.captureStackTrace(error, from)
  void error.stack
  delete error.name
}

// Defines `codes[code]`. `message` is a text, with %s for arguments, or a function of the
// constructor's arguments whose `this` is the error. The order of the own keys differs between the
// two, as it does in Node.
function define(code, Base, message) {
  class NodeError extends Base {
    toString() {
      return `${this.name} [${code}]: ${this.message}`
    }
  }
  // Instances say that their constructor is the plain class.
  Object.defineProperty(NodeError.prototype, 'constructor', { get: () => Base })

  codes[code] =
    typeof message === 'function'
      ? function (...args) {
          const error = new NodeError()
          error.code = code
          hidden(error, 'message', Reflect.apply(message, error, args))
          captureStack(error, code, codes[code])
          return error
        }
      : function (...args) {
          const error = new NodeError(args.length > 0 ? format(message, ...args) : message)
          captureStack(error, code, codes[code])
          error.code = code
          return error
        }
}

define('ERR_INVALID_ARG_TYPE', TypeError, invalidType)
define('ERR_INVALID_ARG_VALUE', TypeError, invalidValue)
define('ERR_OUT_OF_RANGE', RangeError, outOfRange)
define('ERR_MISSING_ARGS', TypeError, missingArgs)
define('ERR_SOCKET_BAD_PORT', RangeError, (name, port, allowZero = true) => {
  return `${name} should be ${allowZero ? '>=' : '>'} 0 and < 65536. Received ${received(port)}.`
})
define('ERR_SOCKET_CLOSED', Error, 'Socket is closed')
define(
  'ERR_SOCKET_CLOSED_BEFORE_CONNECTION',
  Error,
  'Socket closed before the connection was established',
)
define('ERR_SOCKET_CONNECTION_TIMEOUT', Error, 'Socket connection timeout')
define(
  'ERR_SOCKET_HANDLE_ADOPTED',
  Error,
  'The bound socket has already been adopted by a server or socket',
)
define(
  'ERR_SERVER_ALREADY_LISTEN',
  Error,
  'Listen method has been called more than once without closing.',
)
define('ERR_SERVER_NOT_RUNNING', Error, 'Server is not running.')
define(
  'ERR_WORKER_HANDLE_NOT_TRANSFERABLE',
  Error,
  '%s cannot be transferred in its current state; it must be a freshly created or accepted handle that has not started reading and has no pending writes',
)
define('ERR_INVALID_FD_TYPE', TypeError, 'Unsupported fd type: %s')
define('ERR_INVALID_HANDLE_TYPE', TypeError, 'This handle type cannot be sent')
define('ERR_INVALID_IP_ADDRESS', TypeError, 'Invalid IP address: %s')
define('ERR_IP_BLOCKED', Error, (ip) => `IP(${ip}) is blocked by net.BlockList`)
define('ERR_CHILD_CLOSED_BEFORE_REPLY', Error, 'Child closed before reply received')
define('ERR_IPC_CHANNEL_CLOSED', Error, 'Channel closed')
define('ERR_IPC_DISCONNECTED', Error, 'IPC channel is already disconnected')
define('ERR_HTTP_REQUEST_TIMEOUT', Error, 'Request timeout')
define(
  'ERR_HTTP_SOCKET_ENCODING',
  Error,
  'Changing the socket encoding is not allowed per RFC7230 Section 3.',
)
define('ERR_PROXY_TUNNEL', Error, '%s')
define('ERR_STREAM_PREMATURE_CLOSE', Error, 'Premature close')
define(
  'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM',
  TypeError,
  'The feature %s is unavailable on the current platform, which is being used to run Node.js',
)
define('ERR_INVALID_ADDRESS_FAMILY', RangeError, function (family, host, port) {
  this.host = host
  this.port = port
  return `Invalid address family: ${family} ${host}:${port}`
})

// An error of the operating system: message `syscall CODE`, keys errno, code, syscall. Its stack may
// begin in here: taking it a second time showed in the profile of connections that end with a reset.
function errnoException(errno, syscall, original) {
  const code = getSystemErrorName(errno)
  const error = new Error(original ? `${syscall} ${code} ${original}` : `${syscall} ${code}`)
  error.errno = errno
  error.code = code
  error.syscall = syscall
  return error
}

// The frame of those errors as text, and what has formatted it.
let frame = ''
let formatter

// One that the loop brings: no frame of the user's is on the stack, and one of ours, as Node's has one of its own, is the
// same each time. To take and name it again costs 1.3 of the 10.7 us of a connection that ends with a reset.
function eventException(errno, syscall) {
  const { prepareStackTrace, stackTraceLimit: limit } = Error
  if (!(limit >= 1) || !isLimitWritable()) return errnoException(errno, syscall)
  const isKnown = frame !== '' && prepareStackTrace === formatter
  let error
  Error.stackTraceLimit = isKnown ? 0 : 1
  try {
    error = errnoException(errno, syscall)
  } finally {
    Error.stackTraceLimit = limit
  }
  if (isKnown) error.stack = `Error: ${error.message}${frame}`
  else noteFrame(error, prepareStackTrace)
  return error
}

function noteFrame({ message, stack }, prepareStackTrace) {
  const head = `Error: ${message}`
  if (typeof stack !== 'string' || !stack.startsWith(`${head}\n`)) return
  frame = stack.slice(head.length)
  formatter = prepareStackTrace
}

// Not under --frozen-intrinsics, or when somebody froze Error.
function isLimitWritable() {
  return Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit')?.writable === true
}

function endpoint(address, port) {
  if (port && port > 0) return ` ${address}:${port}`
  return address ? ` ${address}` : ''
}

// One that names the endpoint: connect, bind.
function hostPortException(errno, syscall, address, port, additional) {
  const code = getSystemErrorName(errno)
  const local = additional ? ` - Local (${additional})` : ''
  const error = new Error(`${syscall} ${code}${endpoint(address, port)}${local}`)
  error.errno = errno
  error.code = code
  error.syscall = syscall
  error.address = address
  if (port) error.port = port
  return error
}

// The same with libuv's explanation, and the code first: listen.
function listenException(errno, syscall, address, port) {
  const [code, reason] = getSystemErrorMap().get(errno) ?? ['UNKNOWN', 'unknown error']
  const error = new Error(`${syscall} ${code}: ${reason}${endpoint(address, port)}`)
  error.code = code
  error.errno = errno
  error.syscall = syscall
  error.address = address
  if (port) error.port = port
  return error
}

// Every attempt of a connect failed.
function connectAggregate(errors) {
  const error = new AggregateError(errors)
  const code = errors[0]?.code
  captureStack(error, code, connectAggregate)
  // Node shows the empty message too.
  hidden(error, 'stack', error.stack.replace(`[${code}]`, `[${code}]: `))
  error.code = code
  return error
}

// The peer has sent FIN and this side writes on.
function endedByPeer() {
  const error = new Error('This socket has been ended by the other party')
  error.code = 'EPIPE'
  return error
}

module.exports = {
  codes,
  errnoException,
  eventException,
  hostPortException,
  listenException,
  connectAggregate,
  endedByPeer,
}
