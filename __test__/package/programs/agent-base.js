'use strict'

// The `agent-base` package, unmodified: agents that only say how to connect, which is what the proxy agents are made of.

const http = require('http')
const net = require('net')
const { once } = require('node:events')
const { HOST, lane, listen, run, until } = require('./program')

async function ask(log, options) {
  const request = http.get(options)
  const isOver = new Promise((resolve) => {
    request.on('close', resolve)
    // A connection that could not be made may end a request without a 'close'.
    request.on('error', ({ code, message }) => {
      log('error', code ?? null, message)
      setImmediate(resolve)
    })
  })
  let isTold
  request.on('response', (response) => {
    isTold = response.toArray().then((parts) => {
      const text = String(Buffer.concat(parts))
      log(options.path, response.statusCode, text, request.reusedSocket)
    })
  })
  await isOver
  await isTold
}

const pools = ({ sockets, freeSockets, totalSocketCount }) => [
  Object.values(sockets).flat().length,
  Object.values(freeSockets).flat().length,
  totalSocketCount,
]

// A proxy for CONNECT, and an agent that goes through it.
async function tunnel(log, Agent, port) {
  const proxy = http.createServer((request, response) => response.writeHead(400).end())
  proxy.on('connect', (request, socket, head) => {
    log('connect', request.url, head.length)
    const far = net.connect(port, HOST, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      socket.pipe(far).pipe(socket)
    })
    for (const end of [far, socket]) end.on('error', () => {})
  })
  const proxyPort = await listen(proxy, 'proxy')
  class TunnelAgent extends Agent {
    async connect(request, options) {
      const asked = http.request({
        host: HOST,
        port: proxyPort,
        agent: false,
        method: 'CONNECT',
        path: `${options.host}:${options.port}`,
      })
      asked.end()
      const [response, socket] = await once(asked, 'connect')
      log('tunnel', response.statusCode, options.secureEndpoint)
      return socket
    }
  }
  const agent = new TunnelAgent({ keepAlive: true, maxSockets: 1 })
  for (const path of ['/tunnel/1', '/tunnel/2']) await ask(log, { host: HOST, port, path, agent })
  await until(() => pools(agent)[1] === 1)
  log('pools', pools(agent))
  agent.destroy()
  proxy.closeAllConnections()
  proxy.close()
  await once(proxy, 'close')
}

run(async () => {
  const log = lane('client')
  const { Agent } = await import('agent-base')
  const server = http.createServer((request, response) => response.end(request.url))
  const port = await listen(server)
  const target = { host: HOST, port }

  class Direct extends Agent {
    connect(request, options) {
      log('connect', request.path, options.secureEndpoint, options.host === HOST)
      return net.connect({ host: options.host, port: options.port })
    }
  }
  class Later extends Agent {
    async connect(request, options) {
      await new Promise((resolve) => setImmediate(resolve))
      if (request.path === '/fails') throw new Error('no way')
      return net.connect(options)
    }
  }
  const plain = new http.Agent({ keepAlive: true })
  class Delegating extends Agent {
    connect() {
      return plain
    }
  }

  const direct = new Direct({ keepAlive: true })
  log(direct instanceof http.Agent, direct.protocol, direct.defaultPort)
  await ask(log, { ...target, path: '/first', agent: direct })
  await until(() => pools(direct)[1] === 1)
  await ask(log, { ...target, path: '/second', agent: direct })
  await until(() => pools(direct)[1] === 1)
  log('kept', pools(direct))

  const later = new Later({ keepAlive: true, maxSockets: 1 })
  await ask(log, { ...target, path: '/fails', agent: later })
  const both = ['/x', '/y'].map((path) => ask(lane(path), { ...target, path, agent: later }))
  log('asked', pools(later))
  await Promise.all(both)
  await until(() => pools(later)[1] === 1)
  log('later', pools(later))

  for (const path of ['/given/on', '/given/again']) {
    await ask(log, { ...target, path, agent: new Delegating({ keepAlive: true }) })
    await until(() => pools(plain)[1] === 1)
  }
  log('given on', pools(plain))
  await tunnel(log, Agent, port)
  for (const agent of [direct, later, plain]) agent.destroy()
  server.closeAllConnections()
  server.close()
  await once(server, 'close')
})
