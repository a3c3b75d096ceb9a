/**
 * TCP and local pipes (unix domain sockets, Windows named pipes) with the API of `node:net`.
 *
 * ```js
 * const net = require('ferrowire/net')
 * net.createServer((socket) => socket.pipe(socket)).listen(8888)
 * ```
 */
export * from 'node:net'
