'use strict'

// An agent's proxyEnv (Node 24): which requests go through the proxy, and what it is asked.

const { scenario } = require('../common/harness')
const { held, makeAgent, watchExchange } = require('../common/http')
const { outcome } = require('../common/tools')

const tcp = { over: ['tcp'] }
const HOST = '127.0.0.1'

// An origin, and a proxy before it that says what it is asked and passes it on.
async function proxied(run) {
  const { server } = run
  const origin = server.http.createServer((request, response) => {
    request.resume()
    response.end(`origin: ${request.url} for ${request.headers.host}`)
  })
  const { port } = await run.listen(origin)
  const proxy = server.http.createServer((request, response) => {
    const { method, url, headers } = request
    server.log('proxy', method, url, headers)
    const { pathname, search } = new URL(url)
    const path = pathname + search
    const forward = { port, host: HOST, method, path, headers, agent: false }
    const onward = server.http.request(forward, (answer) => {
      response.writeHead(answer.statusCode, { via: 'the proxy' })
      answer.pipe(response)
    })
    request.pipe(onward)
  })
  run.follow(proxy)
  await new Promise((resolve) => proxy.listen(0, HOST, resolve))
  run.rename(proxy.address().port, 'proxy port')
  return {
    port,
    address: `http://${HOST}:${proxy.address().port}`,
    async close() {
      await run.close(origin)
      await run.close(proxy)
    },
  }
}

// Every name is this machine.
const lookup = (name, options, callback) => {
  if (options.all) callback(null, [{ address: HOST, family: 4 }])
  else callback(null, HOST, 4)
}

async function ask(run, options) {
  const { client } = run
  const request = outcome(() => client.http.request({ lookup, ...options }))
  if (request instanceof Error) {
    client.log(request)
    return
  }
  const done = watchExchange(client.log, 'request', request)
  request.end(options.body)
  await done
  await run.turns()
}

scenario('requests through a proxy', tcp, async (run) => {
  const { client } = run
  const { port, address, close } = await proxied(run)
  const withUser = address.replace('//', '//me:i%40t@')
  for (const proxyEnv of [
    { HTTP_PROXY: address },
    { http_proxy: withUser },
    { HTTPS_PROXY: address },
  ]) {
    const agent = makeAgent(run, { keepAlive: true, proxyEnv })
    client.log(Object.keys(proxyEnv))
    for (const options of [
      { path: '/one?x=1' },
      { path: '/two', headers: { 'X-A': 'b' }, method: 'POST', body: 'body' },
      { path: '/three', auth: 'you:too' },
    ]) {
      await ask(run, { host: 'a.example.com', port, agent, ...options })
    }
    client.log(held(agent), Object.keys(agent.freeSockets).length)
    agent.destroy()
  }
  await close()
})

const EXCEPT = [
  '',
  '*',
  'a.example.com',
  'A.Example.COM',
  '.example.com',
  '*.example.com',
  'example.com',
  'b.example.com, a.example.com',
  'a.example.com:1',
  '127.0.0.1',
  '127.0.0.1-127.0.0.9',
  '126.0.0.1-127.0.0.0',
  'localhost',
]
scenario('hosts that no proxy is asked for', tcp, async (run) => {
  const { client, server } = run
  const { port, address, close } = await proxied(run)
  for (const no_proxy of [...EXCEPT, `a.example.com:${port}`]) {
    const agent = makeAgent(run, { proxyEnv: { http_proxy: address, no_proxy } })
    for (const host of ['a.example.com', 'localhost', HOST]) {
      client.log(no_proxy, host)
      server.log(no_proxy, host)
      await ask(run, { host, port, agent })
    }
    agent.destroy()
  }
  await close()
})

scenario('a proxy that is not there, and one that makes no sense', tcp, async (run) => {
  const { client, server } = run
  server.log('none')
  const port = await run.freePort()
  for (const http_proxy of [`http://${HOST}:${port}`, 'nonsense', 'socks://127.0.0.1', '']) {
    client.log('proxy', http_proxy)
    const agent = outcome(() => new client.http.Agent({ proxyEnv: { http_proxy } }))
    if (agent instanceof Error) client.log(agent)
    else await ask(run, { host: 'a.example.com', port, agent })
  }
})

scenario('setGlobalProxyFromEnv', tcp, async (run) => {
  const { client } = run
  const { port, address, close } = await proxied(run)
  const before = client.http.globalAgent
  const restore = client.http.setGlobalProxyFromEnv({ http_proxy: address, no_proxy: 'localhost' })
  try {
    await ask(run, { host: 'a.example.com', port, path: '/proxied' })
    await ask(run, { host: 'localhost', port, path: '/direct' })
    client.log(client.http.globalAgent === before, client.http.globalAgent.keepAlive)
  } finally {
    client.http.globalAgent.destroy()
    restore()
  }
  client.log(client.http.globalAgent === before)
  for (const env of [{}, null, 5]) {
    const undo = outcome(() => client.http.setGlobalProxyFromEnv(env))
    client.log(typeof undo === 'function' ? 'a function' : undo)
    if (typeof undo === 'function') undo()
  }
  await close()
})
