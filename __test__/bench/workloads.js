'use strict'

// The rows of the benchmark. `kind` is the file of contenders/ that knows how it is measured; what else a row has is for that
// file. docs/benchmarks.md says what each row is.

const SERVER = { kind: 'server', connections: 50, size: 64 }
const ECHO = { ...SERVER, unit: 'msg/s', does: 'echo', talk: 'echo' }
const CHURN = { ...SERVER, unit: 'conn/s', does: 'echo', talk: 'churn', connections: 32 }
// Of these the load counts writes of 64 KiB.
const FLOW = { ...SERVER, unit: 'MB/s', scale: 0.065536, connections: 1, size: 2 ** 30 }
const HTTP = { ...SERVER, unit: 'req/s', connections: 64 }
const CLIENT = { kind: 'client', unit: 'req/s', connections: 50 }
const IPC = { kind: 'channel', unit: 'msg/s', size: 1 }

// Half of a pair takes more than the other for reasons of the scheduler: more rounds, and each end on a core of its own.
const TRIPS = {
  kind: 'server',
  does: 'echo',
  talk: 'trips',
  size: 64,
  isPinned: true,
  rounds: 9,
  isLess: true,
  unit: 'us',
}
// What is read once from a process of its own.
const ONCE = { isLess: true, isCold: true }

const WORKLOADS = {
  'tcp-64': { title: 'TCP echo, 64 B', ...ECHO },
  'tcp-16k': { title: 'TCP echo, 16 KiB', ...ECHO, size: 16384 },
  'tcp-in': { title: 'TCP, 1 GiB received', ...FLOW, does: 'in', talk: 'in' },
  'tcp-out': { title: 'TCP, 1 GiB sent', ...FLOW, does: 'out', talk: 'out' },
  'tcp-churn': { title: 'TCP, a connection for each 64 B', ...CHURN },
  'tcp-round-trip': {
    ...TRIPS,
    connections: 1,
    figures: { p50: 'TCP round trip, 64 B, p50', p99: 'TCP round trip, 64 B, p99' },
  },
  'tcp-beside-slow': {
    ...TRIPS,
    connections: 1001,
    figures: { p50: 'beside 1,000 slow ones, p50', p99: 'beside 1,000 slow ones, p99' },
  },
  'pipe-64': { title: 'pipe echo, 64 B', ...ECHO, isLocal: true },
  'pipe-16k': { title: 'pipe echo, 16 KiB', ...ECHO, isLocal: true, size: 16384 },
  'pipe-in': { title: 'pipe, 1 GiB received', ...FLOW, isLocal: true, does: 'in', talk: 'in' },
  'pipe-out': { title: 'pipe, 1 GiB sent', ...FLOW, isLocal: true, does: 'out', talk: 'out' },
  'pipe-churn': { title: 'pipe, a connection for each 64 B', ...CHURN, isLocal: true },
  'net-many': {
    ...ECHO,
    kind: 'many',
    connections: 5000,
    fewConnections: 50,
    isLess: true,
    figures: {
      few: ['CPU per message, 50 connections', 'us'],
      many: ['CPU per message, 5,000 connections', 'us'],
      growth: ['growth from 50 to 5,000', 'fold'],
    },
  },
  'net-memory': {
    title: 'memory per idle connection',
    ...ONCE,
    kind: 'memory',
    unit: 'KB',
    connections: 10_000,
    atMost: 3,
  },
  'net-require': {
    ...ONCE,
    kind: 'fresh',
    module: 'net',
    rounds: 21,
    figures: {
      time: ['require net, time', 'ms'],
      memory: ['require net, memory', 'MB'],
      threads: ['require net, threads', ''],
    },
  },
  'net-idle': {
    title: 'wake-ups of an idle server in 2 s',
    ...ONCE,
    kind: 'idle',
    unit: '',
    atMost: 3,
  },
  'http-get': { title: 'HTTP GET', ...HTTP, does: 'get', talk: 'get' },
  'http-json': { title: 'HTTP, fields and 1 KiB of JSON', ...HTTP, does: 'json', talk: 'json' },
  'http-post': { title: 'HTTP POST of 1 KiB, echoed', ...HTTP, does: 'post', talk: 'post' },
  'http-large': {
    title: 'HTTP, 1 MiB streamed',
    ...HTTP,
    unit: 'MB/s',
    scale: 1.048576,
    does: 'large',
    talk: 'large',
  },
  'http-pipelined': { title: 'HTTP, 16 pipelined GETs', ...HTTP, does: 'get', talk: 'pipelined' },
  'http-express': {
    title: 'Express, hello world',
    ...HTTP,
    does: 'express',
    talk: 'express',
    needs: 'express',
  },
  'http-express-preload': {
    title: 'Express under the preload',
    ...HTTP,
    does: 'express',
    talk: 'express',
    needs: 'express',
    isPreloaded: true,
  },
  'client-get': { title: 'HTTP client, GET', ...CLIENT, talk: 'get' },
  'client-post': { title: 'HTTP client, POST 1 KiB', ...CLIENT, talk: 'post' },
  'client-large': {
    title: 'HTTP client, 1 MiB response',
    ...CLIENT,
    unit: 'MB/s',
    scale: 1.048576,
    talk: 'large',
  },
  'client-new': { title: 'HTTP client, new connections', ...CLIENT, talk: 'new' },
  'ipc-start': {
    title: 'fork to the first message',
    ...ONCE,
    kind: 'start',
    unit: 'ms',
    rounds: 5,
  },
  'ipc-json': { title: 'fork, JSON', ...IPC, talk: 'json' },
  'ipc-advanced': { title: 'fork, advanced', ...IPC, talk: 'advanced' },
  'ipc-one-way': { title: 'fork, one way', ...IPC, talk: 'one-way' },
  'ipc-round-trip': {
    title: 'fork, round trip',
    ...IPC,
    talk: 'round-trip',
    unit: 'us',
    isLess: true,
    rounds: 9,
  },
  'ipc-json-16m': {
    title: 'fork, JSON of 16 MiB',
    ...IPC,
    talk: 'json-16m',
    unit: 'MiB/s',
    size: 16,
  },
  'ipc-buffer-1m': { title: 'fork, Buffer of 1 MiB', ...IPC, talk: 'buffer-1m', unit: 'MiB/s' },
}

// `tcp` means every row whose name begins with `tcp-`.
function namesOf(word) {
  if (Object.hasOwn(WORKLOADS, word)) return [word]
  return Object.keys(WORKLOADS).filter((name) => name.startsWith(`${word}-`))
}

// [key in a sample, title, unit] of each figure of a row.
function figuresOf({ title, unit, figures }) {
  if (figures === undefined) return [['rate', title, unit]]
  return Object.entries(figures).map(([key, words]) =>
    typeof words === 'string' ? [key, words, unit] : [key, ...words],
  )
}

module.exports = { WORKLOADS, figuresOf, namesOf }
