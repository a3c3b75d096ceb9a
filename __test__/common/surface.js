'use strict'

// Compares what can be seen of two objects without using them: own keys (symbols by their description), kind, name and
// arity of functions, attributes. `known` lists what may differ, each entry with its reason:
//   { of, key, because, ours?, node?, before?, from? }
// `of` and `key` tell where (a text or a pattern), `before` and `from` on which versions of Node (a major, or '24.22'); every
// entry must be met.

const assert = require('node:assert/strict')

const { isNodeFrom } = require('./node-version')

function describe(object, key) {
  const { value, get, set, enumerable, configurable, writable } = Object.getOwnPropertyDescriptor(
    object,
    key,
  )
  const attributes = [enumerable && 'enumerable', configurable && 'configurable']
  if (get || set) return ['accessor', signature(get), signature(set), ...attributes]
  const kind =
    typeof value === 'function' ? signature(value) : value === null ? 'null' : typeof value
  return [kind, ...attributes, writable && 'writable']
}

function signature(fn) {
  return fn && `function ${fn.name}(${fn.length})`
}

function shape(object) {
  const entries = Reflect.ownKeys(object).map((key) => {
    const name = typeof key === 'symbol' ? `[${key.description}]` : key
    return [name, describe(object, key).filter(Boolean).join(' ')]
  })
  return new Map(entries)
}

// The differences as texts, each with the entry of `known` that allows it.
function differences(of, node, ours, known) {
  const [theirs, mine] = [shape(node), shape(ours)]
  const found = []
  for (const key of new Set([...theirs.keys(), ...mine.keys()])) {
    if (theirs.get(key) === mine.get(key)) continue
    const entry = known.find((entry) => matches(entry, of, key))
    const text = `${of} ${key}: ${theirs.get(key) ?? 'missing'} in Node, ${mine.get(key) ?? 'missing'} here`
    found.push({ text, entry })
  }
  return found
}

function matches(entry, where, what) {
  const { of, key } = entry
  const fits = (pattern, text) =>
    pattern instanceof RegExp ? pattern.test(text) : pattern === text
  return fits(of, where) && fits(key, what) && applies(entry)
}

// `pairs`: [name, Node's object, ours], ...
function assertSameSurface(pairs, known) {
  const found = pairs.flatMap(([of, node, ours]) => differences(of, node, ours, known))
  const unexpected = found.filter(({ entry }) => !entry).map(({ text }) => text)
  assert.deepEqual(unexpected, [])
  const met = new Set(found.map(({ entry }) => entry))
  const idle = known.filter((entry) => applies(entry) && !met.has(entry))
  assert.deepEqual(idle, [], 'listed, but there is no such difference any more')
}

function applies({ before, from = 0 }) {
  return isNodeFrom(from) && (before === undefined || !isNodeFrom(before))
}

module.exports = { assertSameSurface }
