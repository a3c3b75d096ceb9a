'use strict'

// The version of the Node that runs.

const process = require('node:process')

const [major, minor] = process.versions.node.split('.').map(Number)

/** Whether it is this version or a later one: a major (24), or a release of one ('24.22') and what came of later majors. */
function isNodeFrom(version) {
  const [wanted, release = 0] = String(version).split('.').map(Number)
  return major > wanted || (major === wanted && minor >= release)
}

// What each Node's parser refuses differs; ours follows these versions.
const LLHTTP = ['9.4.3', '9.4.4']
const { llhttp } = process.versions

/** Why what parsers refuse cannot be compared on this Node; false when it can. */
const otherParser = !LLHTTP.includes(llhttp) && `this Node has llhttp ${llhttp}`

module.exports = { isNodeFrom, otherParser }
