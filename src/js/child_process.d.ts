/**
 * `node:child_process`, with the channel of `fork` (and of `spawn` with an `'ipc'` entry in `stdio`) on Ferrowire.
 *
 * ```js
 * const { fork } = require('ferrowire/child_process')
 * fork('child.js').on('message', (message) => console.log(message))
 * ```
 */
export * from 'node:child_process'
