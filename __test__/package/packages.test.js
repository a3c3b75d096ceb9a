'use strict'

// Packages of npm that know Node's http from inside, unmodified, under `--require ferrowire/register` and without it: each
// program of programs/ must see the same.
//   FERROWIRE_POISON=1   the first in a process whose built-in transports throw

const assert = require('node:assert/strict')
const path = require('node:path')
const { test } = require('node:test')
const { runProgram } = require('../common/programs')

const FOLDER = path.join(__dirname, 'programs')
const REGISTER = ['--require', require.resolve('ferrowire/register')]
const POISON = process.env.FERROWIRE_POISON
  ? ['--require', path.join(__dirname, '..', 'common', 'poison.js')]
  : []

async function play(name, nodeArgs) {
  const args = [...nodeArgs, path.join(FOLDER, `${name}.js`)]
  const { stdout, stderr } = await runProgram(process.execPath, args)
  assert.equal(stderr, '')
  return JSON.parse(stdout)
}

for (const name of ['ws', 'express', 'agentkeepalive', 'agent-base']) {
  test(`the package ${name}`, async () => {
    const [ours, nodes] = await Promise.all([play(name, [...POISON, ...REGISTER]), play(name, [])])
    assert.deepEqual([ours.isOurs, nodes.isOurs], [true, false])
    assert.notEqual(Object.keys(nodes.lanes).length, 0)
    assert.deepEqual(ours.lanes, nodes.lanes)
  })
}
