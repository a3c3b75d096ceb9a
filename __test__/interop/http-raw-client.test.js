'use strict'

// What a client puts on the wire, and what it makes of what comes; its server is a plain socket.

const { scenario } = require('../common/harness')
const { makeAgent, toward, watchRequest } = require('../common/http')

const tcp = { over: ['tcp'] }
const lines = (...text) => text.join('\r\n')

// Answers the first bytes of a request with `text` and an end.
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
      given.agent = makeAgent(run, { keepAlive: true })
    }
    await answerRaw(run, ok, given, use)
  })
}
