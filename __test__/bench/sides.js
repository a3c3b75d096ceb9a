'use strict'

// What is compared: the same scripts on either side's modules.

const path = require('node:path')

const ROOT = path.join(__dirname, '..', '..')
// Where npm puts what is measured beside the two sides.
const OTHERS = path.join(ROOT, 'target', 'bench-others')

const sides = {
  ferrowire: {
    title: 'Ferrowire',
    load: (name) => require(`ferrowire/${name}`),
  },
  'built-in': {
    title: 'built-in',
    load: (name) => require(`node:${name}`),
  },
}

const installed = (...names) => path.join(OTHERS, 'node_modules', ...names)
const isClient = ({ kind }) => kind === 'client'
const NODE_26 = `node-linux-${process.arch}`

// Measured beside these when asked for (`--beside`): another runtime with the modules it has, another HTTP client, or a loop
// that only moves the bytes. `can` says which rows it takes part in.
const others = {
  'node-26': {
    title: 'Node 26',
    package: 'node-26',
    from: `node-26@npm:${NODE_26}@26`,
    command: installed('node-26', 'bin', 'node'),
    can: () => process.platform === 'linux',
  },
  bun: {
    title: 'Bun',
    package: 'bun',
    command: installed('.bin', 'bun'),
    can: ({ kind }) => kind !== 'fresh' && kind !== 'idle',
  },
  undici: { title: 'undici request', package: 'undici', can: isClient },
  dispatch: { title: 'undici dispatch', package: 'undici', can: isClient },
  limit: {
    title: 'a loop in Rust',
    can: ({ kind, does }) =>
      process.platform === 'linux' && kind === 'server' && ['echo', 'in', 'out'].includes(does),
  },
}

const titleOf = (side) => (sides[side] ?? others[side]).title

// The runtime and the side's name its script is given.
function scriptOf(side) {
  const command = others[side]?.command
  return command === undefined ? [process.execPath, side] : [command, 'built-in']
}

module.exports = { OTHERS, ROOT, others, scriptOf, sides, titleOf }
