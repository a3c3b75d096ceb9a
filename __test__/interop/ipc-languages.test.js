'use strict'

// The article's child in other languages (examples/ipc/children) under parents of either side. A
// language whose tools are not here is skipped.

const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { execFileSync } = require('node:child_process')
const { once } = require('node:events')
const { createInterface } = require('node:readline')
const { after, describe, test } = require('node:test')
const { BUILT_IN, FERROWIRE } = require('../common/modules')
const { isHere } = require('../common/tools')

const CHILDREN = path.join(__dirname, '../../examples/ipc/children')
const built = fs.mkdtempSync(path.join(os.tmpdir(), 'children-'))
after(() => fs.rmSync(built, { recursive: true }))

const source = (file) => path.join(CHILDREN, file)
const binary = path.join(built, 'child')
const java = ['--add-opens', 'java.base/java.io=ALL-UNNAMED']

// The tool, how to build, what to run.
const languages = {
  Python: { tool: ['python3', '--version'], run: ['python3', source('child.py')] },
  C: {
    tool: ['cc', '--version'],
    build: ['cc', '-Wall', '-Werror', '-o', `${binary}-c`, source('child.c'), '-lpthread'],
    run: [`${binary}-c`],
  },
  Rust: {
    tool: ['rustc', '--version'],
    build: ['rustc', '--edition', '2024', '-o', `${binary}-rs`, source('child.rs')],
    run: [`${binary}-rs`],
  },
  Go: {
    tool: ['go', 'version'],
    build: ['go', 'build', '-o', `${binary}-go`, source('child.go')],
    run: [`${binary}-go`],
  },
  Java: {
    tool: ['javac', '-version'],
    build: ['javac', '-d', built, source('Child.java')],
    run: ['java', ...java, '-cp', built, 'Child'],
  },
}

const modules = { [BUILT_IN]: 'node:child_process', [FERROWIRE]: 'ferrowire/child_process' }
const parents = process.env.INTEROP === BUILT_IN ? [BUILT_IN] : [FERROWIRE, BUILT_IN]

describe('children in other languages', () => {
  for (const [language, { tool, build, run }] of Object.entries(languages)) {
    const skip = isHere(tool) ? false : `${language} is not tested: no \`${tool[0]}\` on the PATH`
    for (const parent of parents) {
      test(`${language} with a ${parent} parent`, { skip }, async (t) => {
        t.plan(3)
        if (build && parent === parents[0]) execFileSync(build[0], build.slice(1))
        const { spawn } = require(modules[parent])
        const [file, ...args] = run
        const child = spawn(file, args, {
          env: { ...process.env, INTERVAL: '20' },
          stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
        })
        t.after(() => child.kill())
        const [message] = await once(child, 'message')
        t.assert.strictEqual(message, 'hello')
        child.send('hi')
        const [line] = await once(createInterface(child.stdout), 'line')
        t.assert.strictEqual(line, 'message from parent: hi')
        child.disconnect()
        const [code] = await once(child, 'exit')
        t.assert.strictEqual(code, 0)
      })
    }
  }
})
