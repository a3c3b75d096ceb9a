'use strict'

// The JavaScript end of the outbox (engine/outbox.rs): after each turn the engine calls
// dispatch(count) once, which walks the records and hands each to its handle. Between two records
// nextTicks and microtasks are drained, as Node does between two callbacks of libuv.

const process = require('node:process')

const {
  SMALL_MAX,
  chunks,
  copyOut,
  frameText,
  lengthOf,
  ownedOut,
  slab,
  small,
  textOut,
  writeSmall,
} = require('./bytes')
const native = require('./native')
const {
  BODY,
  BODY_OWNED,
  CLOSED,
  CONNECT,
  CONNECTION,
  DATA,
  DATA_OWNED,
  END,
  FLUSHED,
  FRAME,
  HEAD,
  MESSAGE_END,
  PARSE_ERROR,
  PARTIAL,
  SHUTDOWN,
  UNCLAIMED,
  UPGRADE,
  WRITABLE,
} = require('./internal/records')

// Not of a record: HEAD, BODY and MESSAGE_END of one message, told at once.
const WHOLE = 17
const WHOLE_RECORDS = 3

const STRIDE = 6
const INDEX_MASK = 0xfffff
const RECORDS = 2048
const events = new Int32Array(RECORDS * STRIDE)
// Handles by the index part of their id; the whole id is compared, so that a record for a closed
// connection never reaches the next owner of its index.
const handles = []

// With --pending-deprecation it is a function that warns, derived of the one that it stands for.
const { _tickCallback } = process
const inner = Object.getPrototypeOf(_tickCallback)
const drainTicks = inner.name === '' ? _tickCallback : inner

function attach(handle) {
  handles[handle.id & INDEX_MASK] = handle
}

// An exception is told in the async resource of the event, as Node tells it: whoever handles uncaught ones finds the ids and the
// stores of AsyncLocalStorage of where it was thrown.
let hasThrown = false

function fail(error) {
  hasThrown = true
  native.fatalException(error)
}

function guarded(act, ...args) {
  try {
    Reflect.apply(act, this, args)
  } catch (error) {
    fail(error)
  }
}

function guardedRead(chunk) {
  try {
    this.reader(chunk)
  } catch (error) {
    fail(error)
  }
}

/** Calls `act` in an async resource, as Node calls back. */
function callBack(resource, act, receiver, ...args) {
  resource.runInAsyncScope(guarded, receiver, act, ...args)
}

// Of what a codec found. Node's parser of responses calls back from within the callback of the connection, which is where its
// exceptions are told.
function tellReader(handle, act, ...args) {
  if (handle.joinsBodies) handle.scope.runInAsyncScope(act, handle, ...args)
  else callBack(handle.scope, act, handle, ...args)
}

function deliver(handle, kind, at) {
  const a = events[at + 2]
  const b = events[at + 3]
  switch (kind) {
    case DATA:
      if (handle.undelivered !== 0) handle.undelivered = 0
      handle.scope.runInAsyncScope(guardedRead, handle, copyOut(a, b))
      break
    case DATA_OWNED:
      if (handle.undelivered !== events[at + 4]) handle.undelivered = events[at + 4]
      handle.scope.runInAsyncScope(guardedRead, handle, ownedOut(a, b))
      break
    case END:
      callBack(handle.scope, handle.onend, handle, a)
      break
    case WRITABLE:
      handle.onwritable()
      break
    case SHUTDOWN:
      handle.onshutdown(a)
      break
    case CONNECT:
      handle.onconnect(a)
      break
    case CONNECTION:
      handle.accept(a)
      break
    case CLOSED:
      // Gone from the table before its last event, so that nothing but the user keeps it.
      handles[handle.id & INDEX_MASK] = undefined
      handle.closed()
      break
    case FRAME: {
      if (handle.textFrames) {
        callBack(handle.scope, handle.onframe, handle, frameText(a, b))
      } else if (a < 0) {
        const start = events[at + 4]
        const frame = native.takeSpill(a)
        callBack(handle.scope, handle.onframe, handle, frame, start, start + b, true)
      } else {
        // In place: whoever reads it copies what it keeps.
        callBack(handle.scope, handle.onframe, handle, slab, a, a + b, false)
      }
      break
    }
    case WHOLE:
      tellReader(
        handle,
        handle.onwhole,
        textOut(a, b),
        events[at + 4],
        events[at + 5],
        copyOut(events[at + STRIDE + 2], events[at + STRIDE + 3]),
      )
      break
    case HEAD:
      if ((events[at + 4] & FLUSHED) !== 0) handle.hasFlushed = true
      tellReader(handle, handle.onhead, textOut(a, b), events[at + 4], events[at + 5])
      break
    case BODY:
      tellReader(handle, handle.onbody, copyOut(a, b))
      break
    case MESSAGE_END:
      if (b > 0) handle.hasFlushed = true
      tellReader(handle, handle.onmessageend, textOut(a, b), events[at + 4] !== 0)
      break
    case BODY_OWNED:
      tellReader(handle, handle.onbody, ownedOut(a, b))
      break
    case UPGRADE:
      tellReader(handle, handle.onupgrade, copyOut(a, b))
      break
    case PARSE_ERROR:
      tellReader(handle, handle.onparseerror, a, b, copyOut(events[at + 4], events[at + 5]))
      break
    case PARTIAL:
      tellReader(handle, handle.onpartial)
      break
    case UNCLAIMED:
      native.dropUnclaimed(handle.id, a)
      break
  }
}

// Node parses all bytes of one read in one callback, so ticks do not run between the messages
// that a codec found in it: `joined` kinds wait for the last record of their connection. (HTTP
// requests do drain after each piece of a body.)
function isJoined(handle, kind) {
  if (kind < FRAME) return false
  return (kind !== BODY && kind !== BODY_OWNED) || handle.joinsBodies
}

// Node's parser calls JavaScript for 32 fields of a head before that is complete, and for trailers before the end of their
// message. Ticks run after such a call; and a parser that made one makes one for every later head.
function ticksBefore(handle, at) {
  const kind = events[at]
  if (kind === HEAD) return handle.hasFlushed || (events[at + 4] & FLUSHED) !== 0
  return kind === MESSAGE_END && events[at + 3] > 0
}

// Whether a HEAD is that of a response which is here with all of its body, and with nothing behind that.
function isWhole(handle, at, end) {
  const body = at + STRIDE
  const last = body + STRIDE
  return (
    handle.joinsBodies &&
    last < end &&
    events[body] === BODY &&
    events[body + 1] === handle.id &&
    events[last] === MESSAGE_END &&
    events[last + 1] === handle.id &&
    events[last + 3] === 0
  )
}

// What a closed handle is not told any more. Node's HTTP parser goes on with the bytes that it has,
// so HTTP hears the rest of the read in which a listener destroyed the connection.
function isOver(handle, kind) {
  return kind !== CLOSED && (kind < HEAD || !handle.isHttp)
}

// Which records of this dispatch are still to be told; none outside of one.
let untold = 0
let untoldEnd = 0

// Whether a turn has read something of a connection that nobody has heard of yet.
function hasUntold(id) {
  for (let at = untold; at < untoldEnd; at += STRIDE) {
    if (events[at + 1] === id && (events[at] <= END || events[at] >= FRAME)) return true
  }
  return false
}

// The turn whose records are told; 0 outside. For what holds for a whole turn, such as its time.
const turn = { current: 0 }
let turns = 0

function dispatch(count) {
  turn.current = ++turns
  // What has thrown outside of a dispatch has been told there.
  hasThrown = false
  untoldEnd = count * STRIDE
  deliverAll(untoldEnd)
  untoldEnd = 0
  turn.current = 0
}

function deliverAll(end) {
  for (let at = 0; at < end; at += STRIDE) {
    const id = events[at + 1]
    let kind = events[at]
    const handle = handles[id & INDEX_MASK]
    if (handle === undefined || handle.id !== id || (handle.closing && isOver(handle, kind))) {
      // A connection that was accepted for a listener which is gone belongs to nobody.
      if (kind === CONNECTION && events[at + 2] > 0) native.close(events[at + 2], false)
      continue
    }
    if (kind === HEAD && isWhole(handle, at, end)) kind = WHOLE
    untold = at + (kind === WHOLE ? WHOLE_RECORDS : 1) * STRIDE
    try {
      deliver(handle, kind, at)
    } catch (error) {
      handle.own.runInAsyncScope(fail, undefined, error)
    }
    // No drain after a throw: Node's own callback scope skips it too.
    if (hasThrown) {
      hasThrown = false
      continue
    }
    if (kind === WHOLE) at = untold - STRIDE
    const next = at + STRIDE
    if (next < end && events[next + 1] === id && isJoined(handle, kind) && events[next] >= FRAME) {
      if (handle.joinsBodies || !ticksBefore(handle, next)) continue
    }
    try {
      drainTicks()
    } catch (error) {
      native.fatalException(error)
    }
  }
}

const liveHandles = () => handles.filter((handle) => handle !== undefined && !handle.closing)

// Test runners load modules anew for each file of tests, but not the binary. Its engine, and what belongs to it, is that of
// the first load: a handle brings its own functions with it.
if (native.outbox === undefined) {
  native.open(dispatch, events, slab, chunks, small, process.env.FERROWIRE_WATCH)
  native.outbox = {
    SMALL_MAX,
    attach,
    hasUntold,
    lengthOf,
    liveHandles,
    native,
    callBack,
    turn,
    writeSmall,
  }
}

module.exports = native.outbox
