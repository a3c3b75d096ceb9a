'use strict'

// What two implementations made of the same cases.

const assert = require('node:assert/strict')
const { inspect, isDeepStrictEqual } = require('node:util')

/** Throws, with the first differences in full, when one case was not the same; `describe` says what a case is. */
function assertNoneDiffers(cases, expected, actual, describe) {
  const different = cases.flatMap((each, i) =>
    isDeepStrictEqual(actual[i], expected[i])
      ? []
      : [{ ...describe(each), node: expected[i], ferrowire: actual[i] }],
  )
  if (different.length === 0) return
  const shown = inspect(different.slice(0, 3), { depth: 8, maxArrayLength: null })
  assert.fail(`${different.length} of ${cases.length} differ, among them\n${shown}`)
}

/** Of a case that is sent in `pieces`. */
function withText({ pieces, ...about }) {
  return { ...about, sent: pieces.map((piece) => piece.latin1Slice()) }
}

module.exports = { assertNoneDiffers, withText }
