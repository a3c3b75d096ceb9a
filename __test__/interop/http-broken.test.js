'use strict'

// Requests and responses that are given up, cut off, refused or too slow.

const { scenario } = require('../common/harness')
const { event } = require('../common/tools')
const { INCOMING, RESPONSE, begun, sendRaw, toward, watchRequest } = require('../common/http')

const tcp = { over: ['tcp'] }

scenario('the client gives up in the middle of a response', {}, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => {
    server.log.watch('request', request, INCOMING)
    server.log.watch('response', response, RESPONSE)
    response.write('begun')
  })
  const target = await run.listen(listener)
  const request = client.http.get(toward(target))
  const done = watchRequest(client.log, 'get', request)
  const response = await begun(request)
  request.destroy()
  client.log(request.destroyed, request.aborted, response.destroyed)
  await done
  await run.close(listener)
})

scenario('the client gives up before a response', tcp, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => {
    server.log.watch('request', request, INCOMING)
    server.log.watch('response', response, RESPONSE)
  })
  const target = await run.listen(listener)
  const ways = {
    destroy: (request) => request.destroy(),
    'destroy with an error': (request) => request.destroy(new Error('mine')),
    abort: (request) => request.abort(),
  }
  for (const [name, way] of Object.entries(ways)) {
    for (const late of [false, true]) {
      client.log(name, late)
      const request = client.http.request(toward(target, { method: 'POST' }))
      const done = watchRequest(client.log, 'post', request)
      if (late) {
        request.write('part')
        await event(listener, 'request')
        await run.turns(4)
      }
      way(request)
      await done
      await run.settled(listener)
    }
  }
  const controller = new AbortController()
  const { signal } = controller
  const request = client.http.get(toward(target, { signal }))
  const done = watchRequest(client.log, 'signal', request)
  await event(listener, 'request')
  await run.turns(4)
  controller.abort()
  await done
  await run.close(listener)
})

scenario('the server destroys in the middle of a response', {}, async (run) => {
  const { server, client } = run
  const go = []
  const listener = server.http.createServer((request, response) => {
    server.log.watch('request', request, INCOMING)
    server.log.watch('response', response, RESPONSE)
    response.write('begun')
    go.push(() => response.destroy(request.url === '/' ? undefined : new Error('own')))
  })
  const target = await run.listen(listener)
  for (const path of ['/', '/error']) {
    const request = client.http.get(toward(target, { path }))
    const done = watchRequest(client.log, 'get', request)
    const response = await begun(request)
    await run.turns(4)
    go.pop()()
    await done
    client.log(response.complete, response.aborted, response.destroyed)
    await run.settled(listener)
  }
  await run.close(listener)
})

scenario('the server destroys before a response', {}, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => {
    server.log.watch('request', request, INCOMING)
    server.log.watch('response', response, RESPONSE)
    request.socket.destroy()
  })
  const target = await run.listen(listener)
  await watchRequest(client.log, 'get', client.http.get(toward(target)))
  await run.close(listener)
})

scenario('a request that is refused', {}, async (run) => {
  const { server, client } = run
  server.log('nobody listens')
  const target =
    run.over === 'tcp' ? { port: await run.freePort(), host: '127.0.0.1' } : { path: run.path() }
  const request = client.http.request(toward(target, { method: 'POST' }))
  const done = watchRequest(client.log, 'post', request)
  request.write('lost', (error) => client.log('written', error))
  request.end('too', () => client.log('ended'))
  await done
  client.log(request.destroyed, request.errored)
})

scenario('timeouts', tcp, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => {
    server.log.watch('response', response, RESPONSE)
    response.setTimeout(30, (socket) => {
      server.log('response timeout', socket === request.socket)
      response.end('late')
    })
  })
  const target = await run.listen(listener)
  await watchRequest(client.log, 'patient', client.http.get(toward(target)))
  await run.settled(listener)

  const silent = server.net.createServer((peer) => peer.resume())
  const other = await run.listen(silent)
  const request = client.http.get(toward(other, { timeout: 30 }))
  request.on('timeout', () => request.destroy(new Error('too slow')))
  await watchRequest(client.log, 'impatient', request)
  const second = client.http.get(toward(other))
  second.setTimeout(30, () => second.destroy())
  await watchRequest(client.log, 'second', second)
  await run.close(silent)

  // A timeout of the server that nobody handles destroys the socket.
  listener.setTimeout(30)
  listener.removeAllListeners('request')
  listener.on('request', () => {})
  await watchRequest(client.log, 'dropped', client.http.get(toward(target)))
  await run.close(listener)
})

scenario('a client that never finishes its head', tcp, async (run) => {
  const { server, client } = run
  const options = { headersTimeout: 60, requestTimeout: 60, connectionsCheckingInterval: 20 }
  const listener = server.http.createServer(options, () => server.log('never'))
  const target = await run.listen(listener)
  client.log(await sendRaw(client.net, target, 'GET / HTTP/1.1\r\nHost:'))
  listener.on('clientError', (error, socket) => {
    server.log(error)
    socket.destroy()
  })
  client.log(await sendRaw(client.net, target, 'GET / HTTP/1.1\r\nHost:'))
  await run.close(listener)
})
