// CommonJS: what `require` gives, and the article's scripts as TypeScript sees them.

import ferrowire = require('ferrowire')
import net = require('ferrowire/net')
import http = require('ferrowire/http')
import childProcess = require('ferrowire/child_process')
import nodeNet = require('node:net')
import nodeHttp = require('node:http')
import nodeChildProcess = require('node:child_process')
import { expectType } from './expect.cjs'

// One and the same module, whichever way it is reached.
expectType<typeof net>()(ferrowire.net)
expectType<typeof http>()(ferrowire.http)
expectType<typeof childProcess>()(ferrowire.child_process)

// Everything node's typing has, and with node's types: values go both ways without a cast.
const asNet: typeof nodeNet = net
const asHttp: typeof nodeHttp = http
const asChildProcess: typeof nodeChildProcess = childProcess
const takesSocket = (socket: nodeNet.Socket): net.Socket => socket
const takesRequest = (request: nodeHttp.IncomingMessage): http.IncomingMessage => request

// TCP and pipes
const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  expectType<nodeNet.Socket>()(socket)
  socket.on('data', (data) => expectType<nodeNet.Socket>()(socket.setNoDelay(data.length > 0)))
  expectType<boolean>()(socket.write('text', 'latin1'))
})
expectType<nodeNet.Server>()(server.listen('/tmp/some.sock'))
expectType<nodeNet.Socket>()(net.connect(8888, '127.0.0.1'))
expectType<nodeNet.Socket>()(net.connect({ path: '/tmp/some.sock' }))
expectType<number>()(net.isIP('::1'))

// HTTP
http.createServer((req, res) => {
  expectType<nodeHttp.IncomingMessage>()(req)
  res.writeHead(200, { 'content-type': 'text/plain' }).end(req.url)
})
const agent = new http.Agent({ keepAlive: true, maxSockets: 2 })
const request = http.request({ port: 8888, agent, method: 'POST' }, (res) => {
  expectType<number | undefined>()(res.statusCode)
})
expectType<nodeHttp.ClientRequest>()(request)
expectType<string[]>()(http.METHODS)

// fork
const child = childProcess.fork('child.js', [], { serialization: 'advanced' })
expectType<nodeChildProcess.ChildProcess>()(child)
expectType<boolean>()(child.send({ any: 'message' }))

// Types are names of the module too.
const options: net.ListenOptions = { port: 0, host: '127.0.0.1' }
const headers: http.OutgoingHttpHeaders = { accept: ['a', 'b'] }
const forkOptions: childProcess.ForkOptions = { silent: true }

// What node's typing refuses is refused.
// @ts-expect-error
net.connect()
// @ts-expect-error
net.createServer('not a listener')
// @ts-expect-error
http.createServer({ insecureHTTPParser: 'yes' })
// @ts-expect-error
childProcess.fork()
// @ts-expect-error
ferrowire.tls
