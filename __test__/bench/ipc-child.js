'use strict'

// What the child of ipc-parent.js does with messages.
const talks = {
  echo: (message) => process.send(message),
  measure: ({ text, bytes }) => process.send((text ?? bytes).length),
  count: (message) => (message === 'end' ? process.send(count) : count++),
}

let count = 0
process.on('message', talks[process.argv[2]])
process.on('disconnect', () => process.exit())
process.send('ready')
