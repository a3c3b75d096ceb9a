'use strict'

// What the package offers: the same names by `require` and `import` as the built-in modules have, and nothing else of it.

const assert = require('node:assert/strict')
const fs = require('node:fs')
const path = require('node:path')
const { test } = require('node:test')

const NAMES = ['net', 'http', 'child_process']
const ROOT = path.join(__dirname, '..', '..')

test('the package itself holds the three modules', () => {
  const ferrowire = require('ferrowire')
  assert.deepEqual(Object.keys(ferrowire), NAMES)
  for (const name of NAMES) assert.ok(ferrowire[name] === require(`ferrowire/${name}`), name)
})

for (const name of NAMES) {
  test(`ferrowire/${name} has every name of node:${name}`, () => {
    const ours = require(`ferrowire/${name}`)
    const missing = Object.keys(require(`node:${name}`)).filter((key) => !(key in ours))
    // Internals of Node 20 and 24.22 which no documentation names.
    const inner = new Set(['_setSimultaneousAccepts', '_TransferredBoundSocket'])
    assert.deepEqual(
      missing.filter((key) => !inner.has(key)),
      [],
    )
  })

  test(`ferrowire/${name} can be imported, each name for itself`, async () => {
    const ours = require(`ferrowire/${name}`)
    const namespace = await import(`ferrowire/${name}`)
    assert.ok(namespace.default === ours)
    for (const key of Object.keys(ours)) {
      assert.ok(key in namespace, `import { ${key} } from 'ferrowire/${name}'`)
      assert.ok(namespace[key] === ours[key], key)
    }
  })
}

test('import of the package itself', async () => {
  const namespace = await import('ferrowire')
  for (const name of NAMES) assert.ok(namespace[name] === require(`ferrowire/${name}`), name)
})

test('inner files are out of reach', () => {
  for (const inner of ['src/js/engine.js', 'src/js/native.js', 'net/index.js']) {
    assert.throws(() => require(`ferrowire/${inner}`), { code: 'ERR_PACKAGE_PATH_NOT_EXPORTED' })
  }
})

test('every entry and its typing exist', () => {
  const { exports, main, types } = require('ferrowire/package.json')
  const files = Object.values(exports).flatMap((entry) =>
    typeof entry === 'string' ? [entry] : Object.values(entry),
  )
  for (const file of [main, types, ...files]) {
    assert.ok(fs.existsSync(path.join(ROOT, file)), file)
  }
})
