'use strict'

// The own codec of `advanced` against V8's, over random values: each reads what the other wrote,
// plain values give the same bytes, and broken bytes the same error.

const assert = require('node:assert/strict')
const v8 = require('node:v8')
const { test } = require('node:test')
const { createFrames, decode } = require('../../src/js/internal/advanced')

// mulberry32: a failure can be had again.
function generator(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

const texts = ['', 'a', 'ü', '☃', '𝄞', '\ud800', '0', '7', '01', '-1', '4294967294', '4294967295']
const numbers = [
  0,
  -0,
  1,
  -1,
  63,
  64,
  -64,
  -65,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31),
  1.5,
  NaN,
  Infinity,
]
const keys = ['a', 'key', 'ß', '☃', '3', '10', 'toString', '__proto__x', 'length']

function value(random, depth, known) {
  const pick = (list) => list[Math.floor(random() * list.length)]
  const many = (limit) => Math.floor(random() * random() * limit)
  const text = () => pick(texts) + 'x'.repeat(many(200)) + pick(texts)
  const bytes = () => Buffer.from(text() + text())
  const plain = [
    () => pick(numbers),
    () => Math.floor((random() - 0.5) * 2 ** 34),
    () => random() * 1e9,
    text,
    () => pick([true, false, null, undefined]),
    () => BigInt(Math.floor(random() * 2 ** 53)) << BigInt(many(80)),
    () => -BigInt(many(99)),
  ]
  const keep = (object) => (known.push(object), object)
  const deep = [
    () => {
      const object = keep({})
      for (let left = many(12); left > 0; left--) {
        object[pick(keys) + (random() < 0.3 ? text() : '')] = value(random, depth - 1, known)
      }
      return object
    },
    () => {
      const array = keep([])
      for (let left = many(30); left > 0; left--) array.push(value(random, depth - 1, known))
      return array
    },
    () => keep(bytes()),
    () => keep(new Uint8Array(bytes())),
    () => keep(new Date(Math.floor(random() * 1e12))),
    () => pick(known) ?? null,
    // V8's to write, in the middle of plain ones.
    () => (random() < 0.2 ? new Map([[text(), value(random, depth - 1, known)]]) : 1),
    () => (random() < 0.2 ? Object.assign([1], { 2: 'sparse', named: text() }) : 2),
    () => (random() < 0.2 ? new Float64Array([random()]) : 3),
  ]
  return pick(depth > 0 && random() < 0.6 ? deep : plain)()
}

function encode(message) {
  const frames = createFrames()
  frames.append(message)
  const frame = frames.take()
  assert.equal(frame.readUInt32BE(0), frame.length - 4)
  return frame
}

// What the codec replaces, for comparison. A getter keeps the own writer from taking a message.
function encodeByV8(message) {
  const frames = createFrames()
  const other = createFrames()
  let done = false
  try {
    other.append({
      get now() {
        frames.append(message)
        done = true
        return 0
      },
    })
  } catch {}
  assert.ok(done)
  return frames.take()
}

const decodeAt = (frame) => decode(frame, 4, frame.length, false)
const isPlain = (frame, message) => encode(message).equals(frame)

test('20,000 random values: each side reads the other', () => {
  const random = generator(7)
  let same = 0
  for (let i = 0; i < 20_000; i++) {
    const message = value(random, 4, [])
    const [ours, theirs] = [encode(message), encodeByV8(message)]
    assert.deepEqual(decodeAt(ours), message)
    assert.deepEqual(decodeAt(theirs), message)
    same += isPlain(theirs, message)
  }
  assert.ok(same > 15_000, `${same} with the same bytes`)
})

test('what one object is twice, is one object again', () => {
  const shared = { a: [1] }
  const message = {
    shared,
    again: [shared, shared.a],
    list: Array.from({ length: 60 }, () => shared),
  }
  message.self = message
  const copy = decodeAt(encode(message))
  assert.equal(copy.self, copy)
  assert.equal(copy.again[0], copy.shared)
  assert.equal(copy.again[1], copy.shared.a)
  assert.ok(copy.list.every((entry) => entry === copy.shared))
  assert.deepEqual(encode(message), encodeByV8(message))
})

test('broken bytes give what V8 says, and nothing else', () => {
  const random = generator(11)
  for (let i = 0; i < 20_000; i++) {
    const frame = encode(value(random, 3, []))
    const broken = Buffer.from(frame.subarray(0, 4 + Math.floor(random() * frame.length)))
    for (let hits = Math.floor(random() * 3); hits > 0 && broken.length > 4; hits--) {
      broken[4 + Math.floor(random() * (broken.length - 4))] = random() * 256
    }
    try {
      decodeAt(broken)
    } catch (error) {
      assert.ok(error instanceof Error, String(error))
    }
  }
})

test('a getter that throws, or sends', () => {
  const frames = createFrames()
  const failure = new TypeError('from the getter')
  const throwing = {
    get a() {
      throw failure
    },
  }
  assert.throws(() => frames.append({ b: 1, c: throwing }), failure)
  assert.equal(frames.length, 0)
  frames.append({
    a: 'outer',
    get b() {
      frames.append('inner')
      return 1
    },
  })
  const bytes = frames.take()
  const lengths = []
  for (let at = 0; at < bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    lengths.push(decode(bytes, at + 4, at + 4 + bytes.readUInt32BE(at), false))
  }
  assert.deepEqual(lengths.at(-1), { a: 'outer', b: 1 })
  assert.ok(lengths.slice(0, -1).every((message) => message === 'inner'))
})

test('what cannot be cloned is refused as v8 refuses it', () => {
  for (const message of [() => {}, { f() {} }, [Symbol('s')], new WeakMap()]) {
    assert.throws(
      () => encode(message),
      (error) => {
        assert.throws(() => v8.serialize(message), { name: error.name, message: error.message })
        return true
      },
    )
  }
})

test('what only looks plain is left to V8', () => {
  const odd = (object) => Object.setPrototypeOf(object, Object.prototype)
  const messages = [
    new Proxy({ a: 1 }, {}),
    { list: [new Proxy([1], {})] },
    (function () {
      return arguments
    })(1, 2),
    odd(new Map([[1, 2]])),
    odd(new Set([1])),
    odd(new WeakMap()),
    odd(Promise.resolve()),
    odd(new Date(5)),
    odd(/x/g),
    odd(new String('text')),
    odd([1, 2]),
    Object.setPrototypeOf(new Float64Array([1, 2]), Uint8Array.prototype),
    Object.setPrototypeOf(new Float64Array([1, 2]), Buffer.prototype),
    Object.setPrototypeOf(new Error('failed'), null),
    Object.setPrototypeOf(new Boolean(true), null),
    {},
    { __proto__: null },
  ]
  for (const message of messages) {
    let expected
    try {
      expected = v8.deserialize(v8.serialize(message))
    } catch (error) {
      assert.throws(() => encode(message), { name: error.name, message: error.message })
      continue
    }
    assert.deepEqual(decodeAt(encode(message)), expected)
  }
})

test('bytes of a frame that is nobody else s are not copied when large', () => {
  const frame = encode({ small: Buffer.from('small'), large: Buffer.alloc(10_000, 1) })
  const { small, large } = decode(frame, 4, frame.length, true)
  assert.equal(large.buffer, frame.buffer)
  assert.notEqual(small.buffer, frame.buffer)
})
