/**
 * Ferrowire: TCP, HTTP/1.1, the IPC channel of `fork` and local pipes, carried by Rust behind the API of `node:net`,
 * `node:http` and `node:child_process`. What these modules' types promise, Ferrowire's promise: code that was typed
 * against them needs no change. The types come from `@types/node`, in the version your project has.
 */
import child_process = require('./src/js/child_process')
import http = require('./src/js/http/index')
import net = require('./src/js/net/index')

export { child_process, http, net }
