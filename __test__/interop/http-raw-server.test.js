'use strict'

// What a server puts on the wire; its client is a plain socket.

const { scenario } = require('../common/harness')
const { LIFE, closed, event, gone } = require('../common/tools')
const { RESPONSE, head, sendRaw, watchIncoming } = require('../common/http')

const tcp = { over: ['tcp'] }
const lines = (...text) => text.join('\r\n')

scenario('pipelined requests are answered in order', {}, async (run) => {
  const { server, client } = run
  const waiting = []
  const listener = server.http.createServer((request, response) => {
    server.log('request', request.url)
    server.log.watch(`response ${request.url}`, response, RESPONSE)
    request.resume()
    waiting.push(response)
    if (waiting.length < 3) return
    // The last one first: what goes out still is the order in which they came.
    for (const answer of waiting.reverse()) {
      answer.write(`for ${answer.req.url}, `)
      answer.end('done')
    }
  })
  const target = await run.listen(listener)
  const text = lines(
    'GET /one HTTP/1.1',
    'Host: x',
    '',
    'POST /two HTTP/1.1',
    'Host: x',
    'Content-Length: 3',
    '',
    'abcGET /three HTTP/1.1',
    'Host: x',
    'Connection: close',
    '',
    '',
  )
  client.log('answer', await sendRaw(client.net, target, text))
  await run.close(listener)
})

scenario('a request byte by byte', {}, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => {
    watchIncoming(server.log, 'request', request)
    request.on('end', () => response.end(JSON.stringify(request.trailers)))
  })
  const target = await run.listen(listener)
  const text = lines(
    'POST /slow HTTP/1.1',
    'Host: x',
    'Transfer-Encoding: chunked',
    'Trailer: X-T',
    '',
    '3',
    'abc',
    '4;ext=1',
    'defg',
    '0',
    'X-T: yes',
    '',
    'GET /again HTTP/1.1',
    'Host: x',
    'Connection: close',
    '',
    '',
  )
  const socket = client.net.connect(target)
  client.log.watch('socket', socket, LIFE)
  await event(socket, 'connect')
  for (const byte of Buffer.from(text)) {
    socket.write(Buffer.of(byte))
    await run.turns(2)
  }
  await gone(socket)
  await run.close(listener)
})

const old = {
  'HTTP/1.0': lines('GET / HTTP/1.0', '', ''),
  'HTTP/1.0 with keep-alive': lines('GET / HTTP/1.0', 'Connection: keep-alive', '', ''),
  'HTTP/1.0 HEAD': lines('HEAD / HTTP/1.0', '', ''),
  'HTTP/1.1 with close': lines('GET / HTTP/1.1', 'Host: x', 'Connection: close', '', ''),
  'an absolute target': lines('GET http://y/z HTTP/1.1', 'Host: x', 'Connection: close', '', ''),
  'OPTIONS *': lines('OPTIONS * HTTP/1.1', 'Host: x', 'Connection: close', '', ''),
  'an empty line first': lines('', 'GET / HTTP/1.1', 'Host: x', 'Connection: close', '', ''),
  'duplicate fields': lines(
    'GET / HTTP/1.1',
    'Host: x',
    'X-A: 1',
    'x-a: 2',
    'Cookie: a',
    'Cookie: b',
    'Content-Type: c',
    'Content-Type: d',
    'Set-Cookie: e',
    'Set-Cookie: f',
    'Connection: close',
    '',
    '',
  ),
}
for (const [name, text] of Object.entries(old)) {
  for (const how of ['end', 'write']) {
    scenario(`${name} answered by ${how}`, tcp, async (run) => {
      const { server, client } = run
      const listener = server.http.createServer((request, response) => {
        server.log(head(request), response.shouldKeepAlive)
        if (how === 'write') response.write('one ')
        response.end('two')
      })
      const target = await run.listen(listener)
      const socket = client.net.connect(target)
      client.log.watch('socket', socket, LIFE)
      socket.write(text)
      // A connection that is kept is closed by this end.
      await Promise.race([closed(socket), run.wait(60)])
      if (!socket.destroyed) {
        socket.end()
        await closed(socket)
      }
      await run.close(listener)
    })
  }
}
