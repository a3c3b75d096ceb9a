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

module.exports = { sides }
