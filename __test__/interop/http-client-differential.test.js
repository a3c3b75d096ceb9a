'use strict'

// Generated and mutated answers, whole and in pieces, to node:http's client and to ours: the same is told of them, and the
// same becomes of the connection and of the next request. A case is its number: DIFFERENTIAL_CASE=4711 plays that one alone.

const builtIn = require('node:http')
const { test } = require('node:test')
const ferrowire = require('ferrowire/http')
const { CLIENTS, READINGS, assertSameClient } = require('../common/client-differential')
const { splits } = require('../common/mutations')
const { otherParser } = require('../common/node-version')
const { BASES, ENDINGS, METHODS, SEVERAL, makeCase } = require('../common/raw-responses')

const CASES = 1200
const skip = process.env.FERROWIRE_POISON ? 'the reference is poisoned' : otherParser

const numbered = process.env.DIFFERENTIAL_CASE
const few = { skip: skip || numbered !== undefined }

test(`${CASES} generated answers`, { skip }, () => {
  const numbers = numbered ? [Number(numbered)] : Array.from({ length: CASES }, (_, i) => i)
  const cases = numbers.map((number) => makeCase(number, CLIENTS, READINGS))
  return assertSameClient(ferrowire, builtIn, cases)
})

const nth = (list, number) => list[number % list.length]

test('answers cut at many bytes', few, () => {
  const cases = [...BASES, ...SEVERAL].flatMap((text, which) =>
    [...splits(text, Math.ceil(text.length / 30))].map((pieces, i) => ({
      name: `${which}.${i}`,
      config: nth(CLIENTS, which + i),
      reading: nth(READINGS, i),
      method: nth(METHODS, which),
      ending: nth(ENDINGS, which + i),
      pieces,
    })),
  )
  return assertSameClient(ferrowire, builtIn, cases)
})

// The head counts without its first line's version and code; the rest is filled up with a field, or with several.
function headOf(size, fields) {
  const value = 'v'.repeat(Math.max(0, Math.floor(size / fields) - 5))
  const rest = 'r'.repeat(size - fields * (value.length + 5))
  return `HTTP/1.1 200 ${rest}\r\n${`X: ${value}\r\n`.repeat(fields)}\r\n`
}

test('heads around the limit', few, () => {
  const limits = { small: 300, plain: 16_384 }
  const cases = Object.entries(limits).flatMap(([config, limit]) =>
    Array.from({ length: 60 }, (_, i) => {
      const head = Buffer.from(headOf(limit - 20 + i, 1 + (i % 3)))
      const cut = nth([head.length, 1, 20, head.length - 3, head.length >> 1], i)
      const pieces = [head.subarray(0, cut), head.subarray(cut)].filter(({ length }) => length > 0)
      return {
        name: `${limit}, ${i}`,
        config,
        reading: 'flowing',
        method: 'GET',
        ending: 'end',
        pieces,
      }
    }),
  )
  return assertSameClient(ferrowire, builtIn, cases)
})
