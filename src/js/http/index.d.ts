/**
 * HTTP/1.1 server and client with the API of `node:http`. Messages are `node:http`'s own classes; `Server`, `Agent` and
 * `ClientRequest` are Ferrowire's.
 *
 * ```js
 * const http = require('ferrowire/http')
 * http.createServer((req, res) => res.end(req.url)).listen(8888)
 * ```
 */
export * from 'node:http'
