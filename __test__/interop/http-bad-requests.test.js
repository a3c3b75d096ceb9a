'use strict'

// Bytes that are no request: what the sender gets, what the server is told, and that nobody else is
// harmed.

const { scenario } = require('../common/harness')
const { LIFE, closed, event } = require('../common/tools')
const { head, sendRaw, watchRequest } = require('../common/http')

const tcp = { over: ['tcp'] }
const lines = (...text) => text.join('\r\n')

const malformed = {
  'no HTTP at all': 'hello\r\n\r\n',
  'an unknown method': lines('GRAB / HTTP/1.1', 'Host: x', '', ''),
  'a lower case method': lines('get / HTTP/1.1', 'Host: x', '', ''),
  'a bare LF after the request line': 'GET / HTTP/1.1\nHost: x\r\n\r\n',
  'a bare LF after a field': 'GET / HTTP/1.1\r\nHost: x\nX-A: b\r\n\r\n',
  'a bare LF at the end': 'GET / HTTP/1.1\r\nHost: x\r\n\n',
  'a bare CR in a value': 'GET / HTTP/1.1\r\nHost: x\r\nX-A: b\rc\r\n\r\n',
  'a null byte in a value': 'GET / HTTP/1.1\r\nHost: x\r\nX-A: b\0c\r\n\r\n',
  'a space before the colon': lines('GET / HTTP/1.1', 'Host : x', '', ''),
  'a field without a name': lines('GET / HTTP/1.1', 'Host: x', ': y', '', ''),
  'a field without a colon': lines('GET / HTTP/1.1', 'Host: x', 'oops', '', ''),
  'a folded value': lines('GET / HTTP/1.1', 'Host: x', 'X-A: b', ' c', '', ''),
  'no Host': lines('GET / HTTP/1.1', '', ''),
  'two Hosts': lines('GET / HTTP/1.1', 'Host: x', 'Host: y', 'Connection: close', '', ''),
  'an unknown version': lines('GET / HTTP/3.7', 'Host: x', '', ''),
  'the opening of HTTP/2': lines('PRI * HTTP/2.0', '', 'SM', '', ''),
  'the opening of HTTP/2 without a version': lines('PRI *', 'Host: x', '', ''),
  'no version': lines('GET /', 'Host: x', '', ''),
  'two lengths': lines(
    'POST / HTTP/1.1',
    'Host: x',
    'Content-Length: 1',
    'Content-Length: 2',
    '',
    'ab',
  ),
  'a length that is none': lines('POST / HTTP/1.1', 'Host: x', 'Content-Length: 1x', '', 'a'),
  'a negative length': lines('POST / HTTP/1.1', 'Host: x', 'Content-Length: -1', '', ''),
  'a length and chunks': lines(
    'POST / HTTP/1.1',
    'Host: x',
    'Content-Length: 5',
    'Transfer-Encoding: chunked',
    '',
    '0',
    '',
    '',
  ),
  'a coding that is not chunked': lines(
    'POST / HTTP/1.1',
    'Host: x',
    'Transfer-Encoding: gzip',
    '',
    'x',
  ),
  'chunked, but not last': lines(
    'POST / HTTP/1.1',
    'Host: x',
    'Transfer-Encoding: chunked, gzip',
    '',
    'x',
  ),
  'a chunk size that is none': lines(
    'POST / HTTP/1.1',
    'Host: x',
    'Transfer-Encoding: chunked',
    '',
    'zz',
    '',
  ),
  'a chunk size with a bare LF': lines(
    'POST / HTTP/1.1',
    'Host: x',
    'Transfer-Encoding: chunked',
    '',
    '1\nx',
    '',
  ),
  'a chunk longer than it says': lines(
    'POST / HTTP/1.1',
    'Host: x',
    'Transfer-Encoding: chunked',
    '',
    '1',
    'xyz',
    '0',
    '',
    '',
  ),
  'fields beyond the limit': lines(
    'GET / HTTP/1.1',
    'Host: x',
    `X-A: ${'a'.repeat(20000)}`,
    '',
    '',
  ),
  'a target beyond the limit': lines(`GET /${'a'.repeat(20000)} HTTP/1.1`, 'Host: x', '', ''),
  'a good request and then rubbish': lines('GET / HTTP/1.1', 'Host: x', '', 'rubbish', '', ''),
}

for (const [name, text] of Object.entries(malformed)) {
  scenario(`a bad request: ${name}`, tcp, async (run) => {
    const { server, client } = run
    const listener = server.http.createServer((request, response) => {
      server.log('request', head(request))
      request.on('error', (error) => server.log('request error', error))
      request.resume()
      response.end('fine')
    })
    const target = await run.listen(listener)
    // First Node's own answer, then one by the user, who is told everything about it.
    client.log('answer', await sendRaw(client.net, target, text))
    listener.on('clientError', (error, socket) => {
      server.log('clientError', error, socket.writable)
      if (socket.writable) socket.end('HTTP/1.1 418 Mine\r\n\r\n')
      else socket.destroy()
    })
    client.log('answer', await sendRaw(client.net, target, text))

    // Nobody else is harmed.
    const good = lines('GET /other HTTP/1.1', 'Host: x', 'Connection: close', '', '')
    client.log('another one', await sendRaw(client.net, target, good))
    await run.close(listener)
  })
}

scenario('more fields than maxHeadersCount', tcp, async (run) => {
  const { server, client } = run
  const trailers = ['0', 'X-A: b', 'X-B: c', 'X-C: d', 'X-D: e', '', '']
  const listener = server.http.createServer((request, response) => {
    server.log('request', head(request))
    request.on('error', (error) => server.log('request error', error))
    request.on('end', () => server.log('trailers', request.rawTrailers)).resume()
    for (let i = 0; i < 40; i++) response.setHeader(`X-${i}`, i)
    response.end()
  })
  const target = await run.listen(listener)
  for (const limit of [3, 4, 0, null, -1, 2.5]) {
    listener.maxHeadersCount = limit
    for (const text of [
      lines('GET / HTTP/1.1', 'Host: x', 'Connection: close', 'X-A: b', '', ''),
      lines('GET / HTTP/1.1', 'Host: x', 'Connection: close', 'X-A: b', 'X-B: c', '', ''),
      lines('PUT / HTTP/1.1', 'Connection: close', 'Host: x', 'Transfer-Encoding: chunked', '') +
        lines('', ...trailers),
    ]) {
      client.log(limit, await sendRaw(client.net, target, text))
    }
  }
  listener.maxHeadersCount = null
  for (const limit of [43, 42, 0]) {
    const request = client.http.get({ ...target, agent: false })
    request.maxHeadersCount = limit
    const done = watchRequest(client.log, 'request', request)
    request.on('response', (response) => response.resume())
    await done
  }
  await run.close(listener)
})

scenario('a lenient server gets a null byte in a value', tcp, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer({ insecureHTTPParser: true }, (request, response) => {
    server.log('request', head(request))
    response.end('fine')
  })
  const target = await run.listen(listener)
  const fields = ['Host: x', 'X-A: b\0Admin\0yes', 'X-B: \0', 'Connection: close']
  for (const start of ['GET / HTTP/1.1', 'GET /a\0b HTTP/1.1']) {
    client.log('answer', await sendRaw(client.net, target, lines(start, ...fields, '', '')))
  }
  await run.close(listener)
})

scenario('clientError for a connection that breaks', {}, async (run) => {
  const { server, client } = run
  const listener = server.http.createServer((request, response) => {
    server.log('request', request.url)
    response.end()
  })
  listener.on('clientError', (error, socket) => {
    server.log('clientError', error, socket.destroyed)
    socket.destroy()
  })
  const target = await run.listen(listener)
  // In the middle of a head: an end, and a reset.
  for (const way of ['end', 'resetAndDestroy']) {
    if (way === 'resetAndDestroy' && run.over !== 'tcp') continue
    const socket = client.net.connect(target)
    client.log.watch('socket', socket, LIFE)
    const accepted = event(listener, 'connection')
    socket.write('GET / HTTP/1.1\r\nHo')
    await event(socket, 'connect')
    await accepted
    await run.turns(6)
    socket[way]()
    await closed(socket)
    await run.settled(listener)
  }
  await run.close(listener)
})
