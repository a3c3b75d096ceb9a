'use strict'

// Header fields as lines of a head: the line of each that keeps its value from one message to the next is made once.

const { symbols } = require('./common')

const { kOutHeaders } = symbols

// Names that are remembered; an application has tens.
const NAMES_MAX = 256
const INVALID_VALUE = /[^\t\x20-\x7e\x80-\xff]/

// By name as the user writes it, what is known of a field that Node has let pass once.
const known = new Map()

class Field {
  constructor(name) {
    this.name = name
    this.key = name.toLowerCase()
    // The last value that was let pass, and the line with it.
    this.value = ''
    this.line = `${name}: \r\n`
    this.isLength = this.key === 'content-length'
    this.isSpecial = SPECIAL.has(this.key)
  }

  /** Whether Node would let this value pass; of a type that needs Node to say so: false. */
  allows(value) {
    if (value === this.value || typeof value === 'number') return true
    return typeof value === 'string' && !INVALID_VALUE.test(value)
  }

  /** For a value that is allowed. */
  lineFor(value) {
    if (value !== this.value) {
      this.line = `${this.name}: ${value}\r\n`
      this.value = value
    }
    return this.line
  }
}

// Fields on which the rest of a head depends.
const SPECIAL = new Set([
  'connection',
  'content-disposition',
  'date',
  'expect',
  'keep-alive',
  'trailer',
  'transfer-encoding',
])

// As Node's `{ __proto__: null }`, but an object with fast properties: five fields are set and read again in 60 ns instead
// of 260 (Node 24).
function OutFields() {}
OutFields.prototype = Object.freeze({ __proto__: null })

function fieldNamed(name) {
  return known.get(name)
}

/** Node has validated this name, and taken a field of it. */
function remember(name) {
  if (typeof name !== 'string' || known.size === NAMES_MAX || known.has(name)) return
  known.set(name, new Field(name))
}

/** As setHeader(), which would let the field pass; false when only Node knows whether it would. */
function setKnown(message, name, value) {
  const field = known.get(name)
  if (!field?.allows(value)) return false
  field.lineFor(value)
  const fields = (message[kOutHeaders] ??= new OutFields())
  fields[field.key] = [name, value]
  return true
}

module.exports = { OutFields, fieldNamed, remember, setKnown }
