// ES modules: namespace, default and named imports of every entry.

import 'ferrowire/register'
import ferrowire, { child_process, http, net } from 'ferrowire'
import * as netNamespace from 'ferrowire/net'
import netDefault, { createServer, Server, Socket, type AddressInfo } from 'ferrowire/net'
import httpDefault, { Agent, get, globalAgent, type RequestListener } from 'ferrowire/http'
import childProcessDefault, { fork, type ChildProcess } from 'ferrowire/child_process'
import * as nodeNet from 'node:net'
import * as nodeHttp from 'node:http'
import { expectType } from './expect.cjs'

expectType<typeof nodeNet.createServer>()(createServer)
expectType<typeof createServer>()(netDefault.createServer)
expectType<typeof createServer>()(netNamespace.createServer)
expectType<typeof createServer>()(net.createServer)
expectType<typeof createServer>()(ferrowire.net.createServer)
expectType<typeof get>()(httpDefault.get)
expectType<typeof get>()(http.get)
expectType<typeof fork>()(childProcessDefault.fork)
expectType<typeof fork>()(child_process.fork)

class Counting extends Server {
  count = 0
}
const counting: nodeNet.Server = new Counting()
const socket: nodeNet.Socket = new Socket({ allowHalfOpen: true })
const agent: nodeHttp.Agent = new Agent()
expectType<nodeHttp.Agent>()(globalAgent)

const listener: RequestListener = (req, res) => res.end(req.url)
const address: AddressInfo = { address: '127.0.0.1', family: 'IPv4', port: 1 }
const child: ChildProcess = fork(new URL('child.js', import.meta.url))

// @ts-expect-error
import { nothing } from 'ferrowire/net'
// @ts-expect-error
import * as engine from 'ferrowire/src/js/engine.js'
