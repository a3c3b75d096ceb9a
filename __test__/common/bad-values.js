'use strict'

// Values of every kind for one argument, and what a call with one of them comes to: what it throws or returns, and what the
// socket or server that it returns emits until it is at rest.

const { once } = require('node:events')
const { describe } = require('./recorder')
const { turn } = require('./turn')

const NUMBERS = [0, -0, 1, -1, 1.5, 255, 256, 65_535, 65_536, 2 ** 31, -(2 ** 31), 2 ** 32]
const ODD_NUMBERS = [1e300, NaN, Infinity, 5n]
const TEXTS = [
  '',
  ' ',
  'x',
  'é',
  'a\0b',
  '0',
  '1',
  '-1',
  '0x10',
  '1e3',
  '65536',
  '127.0.0.1',
  '::1',
]
const OTHERS = [undefined, null, true, false, Symbol('s')]
const objects = () => [
  function named() {},
  {},
  [],
  [1],
  new Date(0),
  /x/,
  Buffer.from('ab'),
  new Map(),
  Object.create(null),
  { valueOf: () => 80, toString: () => '81' },
]

// New ones each time: a call may change what it gets.
const values = () => [...NUMBERS, ...ODD_NUMBERS, ...TEXTS, ...OTHERS, ...objects()]

function show(value) {
  if (Object.is(value, -0)) return '-0'
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'function') return 'a function'
  if (typeof value !== 'object' || value === null) return String(value)
  return `${value.constructor?.name ?? 'null-prototype'} ${JSON.stringify(value)}`
}

const EVENTS = ['listening', 'connect', 'lookup', 'connectionAttempt', 'error', 'close']

async function rest(made) {
  const isBusy = () => made.connecting || (made.destroyed && !made.closed)
  for (let i = 0; i < 100 && isBusy(); i++) await turn()
  await turn()
}

async function outcomeOf(call, ...args) {
  const log = []
  let made
  try {
    made = await call(...args)
  } catch (error) {
    return [['thrown', describe(error)]]
  }
  const isEmitter = typeof made?.emit === 'function'
  log.push(['returned', isEmitter ? made.constructor.name : describe(made)])
  if (!isEmitter) return log
  for (const name of EVENTS) made.on(name, (...told) => log.push([name, ...told.map(describe)]))
  await rest(made)
  log.push(['at rest', made.readyState ?? made.listening, made.destroyed])
  if (made.destroyed || made.listening === false) return log
  const closed = once(made, 'close').catch(() => {})
  if (made.destroy) made.destroy()
  else made.close()
  await closed
  return log
}

module.exports = { outcomeOf, show, values }
