'use strict'

// What is compared: the same scripts on either side's modules.

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

// Other HTTP clients, measured beside these when asked for (`--beside`).
const others = {
  undici: { title: 'undici request', package: 'undici' },
  dispatch: { title: 'undici dispatch', package: 'undici' },
  bun: { title: 'Bun node:http', package: 'bun' },
}

module.exports = { others, sides }
