'use strict'

// Connections that stop speaking HTTP.

const { scenario } = require('../common/harness')
const { LIFE, closed, event } = require('../common/tools')
const { head, toward, watchRequest } = require('../common/http')

const tcp = { over: ['tcp'] }

scenario('an upgrade with bytes left over', {}, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => {
    server.log('request', request.url)
    response.end('plain')
  })
  listener.on('upgrade', (request, socket, rest) => {
    server.log('upgrade', head(request), socket === request.socket, rest)
    server.log.watch('socket', socket, LIFE)
    socket.write('HTTP/1.1 101 Switching\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nand more')
    socket.on('data', (chunk) => socket.write(chunk))
    // A connection of an HTTP server is one that may stay half open.
    socket.on('end', () => socket.end())
  })
  const target = await run.listen(listener)
  // Both ends have bytes of the new protocol in the packet of the old one.
  const headers = { Connection: 'Upgrade', Upgrade: 'echo' }
  const request = client.http.request(toward(target, { headers }))
  const upgraded = new Promise((resolve) =>
    request.on('upgrade', (response, socket, rest) => {
      client.log('upgrade', head(response), rest)
      client.log.watch('socket', socket, LIFE)
      resolve(socket)
    }),
  )
  client.log.watch('request', request, ['finish', 'response', 'error', 'close'])
  request.end()
  const socket = await upgraded
  const echoed = event(socket, 'data')
  socket.write('to and fro')
  await echoed
  socket.end()
  await closed(socket)
  await run.settled(listener)

  const raw =
    'GET /raw HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nleft over'
  const plain = client.net.connect(target)
  client.log.watch('plain', plain, LIFE)
  plain.write(raw)
  await event(plain, 'data')
  plain.end()
  await closed(plain)
  await run.settled(listener)

  // Nobody wants it: an ordinary request.
  listener.removeAllListeners('upgrade')
  const ordinary = client.http.get(toward(target, { headers }))
  await watchRequest(client.log, 'ordinary', ordinary)
  await run.close(listener)
})

scenario('CONNECT', tcp, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer()
  listener.on('connect', (request, socket, rest) => {
    server.log('connect', head(request), rest)
    socket.write('HTTP/1.1 200 Connected\r\n\r\nhello')
    socket.on('data', (chunk) => socket.end(chunk))
  })
  const target = await run.listen(listener)
  const request = client.http.request(toward(target, { method: 'CONNECT', path: 'far:80' }))
  const done = event(request, 'close')
  request.on('connect', (response, socket, rest) => {
    client.log('connect', head(response), rest)
    client.log.watch('socket', socket, LIFE)
    socket.write('through')
  })
  request.end()
  await done
  await run.settled(listener)
  listener.removeAllListeners('connect')
  const refused = client.http.request(toward(target, { method: 'CONNECT', path: 'far:80' }))
  const gone = watchRequest(client.log, 'refused', refused)
  refused.end()
  await gone
  await run.close(listener)
})
