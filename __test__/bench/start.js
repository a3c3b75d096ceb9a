'use strict'

// node start.js SIDE     forks some children, one after the other; each says one word
// Prints { rate }: milliseconds from fork() to the word, of the child in the middle.

const { once } = require('node:events')
const process = require('node:process')

const CHILDREN = 7

async function main() {
  const { sides } = require('./sides')
  const { fork } = sides[process.argv[2]].load('child_process')
  const times = []
  for (let i = 0; i < CHILDREN; i++) {
    const began = performance.now()
    const child = fork(__filename)
    await once(child, 'message')
    times.push(performance.now() - began)
    child.disconnect()
    await once(child, 'exit')
  }
  times.sort((a, b) => a - b)
  console.log(JSON.stringify({ rate: times[CHILDREN >> 1] }))
}

if (process.send === undefined) main()
else process.send('here')
