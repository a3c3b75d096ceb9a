'use strict'

// The bytes themselves: one side speaks HTTP, the other one is a plain socket.

const { scenario } = require('../common/harness')
const { LIFE, closed, event } = require('../common/tools')
const { RESPONSE, head, sendRaw, toward, watchIncoming, watchRequest } = require('../common/http')

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
  if (!socket.closed) await closed(socket)
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

// The other way round: what the client sends, and what it makes of an answer.
async function answerRaw(run, text, options, use = (request) => request.end()) {
  const { server, client } = run
  const listener = server.net.createServer((peer) => {
    let got = ''
    peer.setEncoding('latin1')
    peer.on('error', () => {})
    peer.on('data', (part) => {
      const first = got === ''
      got += part
      if (first) peer.end(text, 'latin1')
    })
    peer.on('close', () => server.log('got', got))
  })
  const target = await run.listen(listener)
  const request = client.http.request(toward(target, options))
  const done = watchRequest(client.log, 'request', request)
  use(request)
  await done
  await run.close(listener)
}

const responses = {
  'with a length': lines('HTTP/1.1 200 OK', 'Content-Length: 4', '', 'body'),
  'until the end': lines('HTTP/1.1 200 OK', '', 'body'),
  'in chunks': lines(
    'HTTP/1.1 200 OK',
    'Transfer-Encoding: chunked',
    '',
    '4',
    'body',
    '0',
    'X-T: 1',
    '',
    '',
  ),
  'of HTTP/1.0': lines('HTTP/1.0 200 OK', 'X-A: 1', 'X-A: 2', '', 'body'),
  'without a reason': lines('HTTP/1.1 404', 'Content-Length: 0', '', ''),
  'with odd fields': lines(
    'HTTP/1.1 200 A Long Reason',
    'x-MiXeD:  a ',
    'Set-Cookie: 1',
    'Set-Cookie: 2',
    'Age: 1',
    'Age: 2',
    'Empty:',
    'Content-Length: 0',
    '',
    '',
  ),
  'after two that inform': lines(
    'HTTP/1.1 100 Continue',
    '',
    'HTTP/1.1 103 Early Hints',
    'Link: <x>',
    '',
    'HTTP/1.1 200 OK',
    'Content-Length: 0',
    '',
    '',
  ),
  'that is no HTTP': 'rubbish',
  'with a bare LF': 'HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n',
  'with a bad version': lines('HTTP/9 200 OK', '', ''),
  'with a bad status': lines('HTTP/1.1 2x0 OK', '', ''),
  'with bad chunks': lines('HTTP/1.1 200 OK', 'Transfer-Encoding: chunked', '', 'zz', ''),
  'with two lengths': lines('HTTP/1.1 200 OK', 'Content-Length: 1', 'Content-Length: 2', '', 'ab'),
  'cut in its head': 'HTTP/1.1 200 OK\r\nCont',
  'cut in its body': lines('HTTP/1.1 200 OK', 'Content-Length: 40', '', 'too short'),
  'cut in its chunks': lines(
    'HTTP/1.1 200 OK',
    'Transfer-Encoding: chunked',
    '',
    '40',
    'too short',
  ),
  'that never came': '',
  'with more than its length': lines(
    'HTTP/1.1 200 OK',
    'Content-Length: 2',
    'Connection: keep-alive',
    '',
    'body',
  ),
  'with fields beyond the limit': lines('HTTP/1.1 200 OK', `X-A: ${'a'.repeat(20000)}`, '', ''),
  'that changes the protocol unasked': lines(
    'HTTP/1.1 101 Switching',
    'Upgrade: x',
    'Connection: upgrade',
    '',
    'rest',
  ),
}
for (const [name, text] of Object.entries(responses)) {
  scenario(`a response ${name}`, tcp, (run) => answerRaw(run, text, {}))
}

const ok = lines('HTTP/1.1 200 OK', 'Content-Length: 0', '', '')
const requests = {
  'GET with fields': [{ headers: { 'X-A': 'b', Host: 'other', Accept: ['a', 'b'] } }],
  'GET with a body': [{}, (request) => request.end('body')],
  DELETE: [{ method: 'DELETE' }],
  'POST with a string': [{ method: 'POST' }, (request) => request.end('body €')],
  'POST with nothing': [{ method: 'POST' }],
  'POST in chunks': [
    { method: 'POST' },
    (request) => {
      request.write('one')
      request.write(Buffer.from('two'))
      request.addTrailers({ 'X-T': 'v' })
      request.end('three')
    },
  ],
  'POST of HTTP/1.0 style': [
    { method: 'POST', headers: { 'Content-Length': 4 } },
    (request) => {
      request.useChunkedEncodingByDefault = false
      request.end('body')
    },
  ],
  'an Agent that keeps alive': [{ agent: undefined }],
  'auth and path': [{ auth: 'me:it', path: '/a?b=%20' }],
}
for (const [name, [options, use]] of Object.entries(requests)) {
  scenario(`what is sent for ${name}`, tcp, async (run) => {
    const given = { ...options }
    if ('agent' in options) {
      given.agent = new run.client.http.Agent({ keepAlive: true })
      run.cleanup(() => given.agent.destroy())
    }
    await answerRaw(run, ok, given, use)
  })
}
