'use strict'

// node ipc-parent.js SIDE SECONDS     a fork and its child, a window of messages going round
// Prints the count and the seconds, as the load generator does.

const path = require('node:path')
const { sides } = require('./sides')

const [side, seconds] = process.argv.slice(2)
const { fork } = sides[side].load('child_process')
const WINDOW = 64

const message = {
  id: 1,
  type: 'job',
  text: 'hello world',
  list: [1, 2, 3],
  nested: { yes: true, no: null },
}
const text = JSON.stringify(message)
const child = fork(path.join(__dirname, 'ipc-child.js'))
let count = 0
let began

child.on('message', (answer) => {
  if (answer === 'ready') {
    began = performance.now()
    for (let i = 0; i < WINDOW; i++) child.send(message)
    return
  }
  // Looking at each would cost more than carrying it.
  if (++count % 1000 === 0 && JSON.stringify(answer) !== text) {
    console.error(`not what was sent: ${JSON.stringify(answer)}`)
    process.exit(1)
  }
  const spent = (performance.now() - began) / 1000
  if (spent < seconds) return child.send(message)
  console.log(JSON.stringify({ count, seconds: spent }))
  process.exit()
})
child.on('exit', (code) => {
  console.error(`the child ended with status ${code}`)
  process.exit(1)
})
