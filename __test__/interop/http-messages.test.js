'use strict'

// Requests and responses that go well.

const { createHash } = require('node:crypto')
const { Readable, pipeline } = require('node:stream')
const { scenario } = require('../common/harness')
const { closed, event, outcome } = require('../common/tools')
const { INCOMING, RESPONSE, head, toward, watchIncoming, watchRequest } = require('../common/http')

const tcp = { over: ['tcp'] }

// A server whose every request is logged, with the requests answered by `answer`.
async function serve(run, answer, options) {
  const { server } = run
  const listener = server.http.createServer(options, (request, response) => {
    watchIncoming(server.log, 'request', request)
    server.log.watch('response', response, RESPONSE)
    answer(request, response)
  })
  const target = await run.listen(listener)
  return { listener, target }
}

scenario('GET', {}, async (run) => {
  const { client } = run
  const { listener, target } = await serve(run, (request, response) => {
    run.server.log(request.socket.remoteFamily, request.complete)
    response.end(request.url)
  })
  const options = toward(target, { path: '/hello?x=1', headers: { 'X-A': 'b' } })
  const request = client.http.get(options, () => client.log('callback'))
  client.log(request.method, request.path, request.host, request.getHeaders())
  await watchRequest(client.log, 'get', request)
  client.log(request.destroyed, request.finished, request.reusedSocket)
  await run.close(listener)
})

scenario('GET by URL and by options', tcp, async (run) => {
  const { client } = run
  const { listener, target } = await serve(run, (request, response) => response.end())
  const url = `http://user:secret@${target.host}:${target.port}/a/b?c=d#e`
  const given = [
    [url, { agent: false }],
    [new URL(url), { agent: false, headers: { 'X-More': '1' } }],
    [{ ...toward(target), auth: 'user:secret', setHost: false }],
    [{ ...toward(target), method: 'delete', defaultPort: target.port }],
    [{ ...toward(target), headers: ['X-List', 'yes', 'host', 'other.test'] }],
  ]
  for (const args of given) {
    const request = outcome(() => client.http.request(...args))
    const done = watchRequest(client.log, 'request', request)
    request.end()
    await done
  }
  await run.close(listener)
})

const bodies = {
  'a string': (request) => request.end('text with €', 'utf8'),
  'a Buffer': (request) => request.end(Buffer.from([0, 1, 254, 255])),
  'writes, chunked'(request) {
    request.write('first, ')
    request.write(Buffer.from('second, '))
    request.end('third')
  },
  'writes with Content-Length'(request) {
    request.setHeader('Content-Length', 12)
    request.write('first,')
    request.end('second')
  },
  'a stream': (request) => Readable.from(['a', 'b', 'c']).pipe(request),
  nothing: (request) => request.end(),
  'an empty string': (request) => request.end(''),
}
for (const [name, send] of Object.entries(bodies)) {
  scenario(`POST with ${name}`, tcp, async (run) => {
    const { client } = run
    const { listener, target } = await serve(run, (request, response) => request.pipe(response))
    const options = toward(target, { method: 'POST', path: '/echo' })
    const request = client.http.request(options)
    const done = watchRequest(client.log, 'post', request)
    send(request)
    await done
    await run.close(listener)
  })
}

const answers = {
  'end with a string': (response) => response.end('text'),
  'end with a Buffer': (response) => response.end(Buffer.from('bytes')),
  'write and end'(response) {
    response.write('one, ')
    response.write('two, ')
    response.end('three')
  },
  'writeHead with a reason'(response) {
    response.writeHead(299, 'My Reason', { 'X-A': 'a', 'Content-Length': 2 })
    response.end('ok')
  },
  'writeHead with an array'(response) {
    response.writeHead(200, ['X-A', '1', 'x-b', '2', 'X-A', '3'])
    response.end('ok')
  },
  'setHeader and removeHeader'(response) {
    response.statusCode = 404
    response.statusMessage = 'Gone Fishing'
    response.setHeader('X-One', ['a', 'b']).setHeader('x-two', 5)
    response.removeHeader('X-TWO')
    response.appendHeader?.('X-One', 'c')
    response.sendDate = false
    response.end('nothing here')
  },
  'flushHeaders and later'(response) {
    response.flushHeaders()
    setImmediate(() => response.end('later'))
  },
  cork(response) {
    response.cork()
    response.write('a')
    response.write('b')
    response.uncork()
    response.end('c')
  },
  trailers(response) {
    response.setHeader('Trailer', 'X-Sum')
    response.write('body')
    response.addTrailers({ 'X-Sum': '123', 'x-other': 'é' })
    response.end()
  },
  'Connection: close'(response) {
    response.setHeader('Connection', 'close')
    response.end('bye')
  },
  'callbacks of write and end'(response) {
    response.write('x', () => response.emit('note', 'written'))
    response.end('y', () => response.emit('note', 'ended'))
  },
}
for (const [name, send] of Object.entries(answers)) {
  scenario(`a response by ${name}`, tcp, async (run) => {
    const { server, client } = run
    const { listener, target } = await serve(run, (request, response) => {
      response.on('note', (text) => server.log(text))
      send(response)
      server.log(response.headersSent, response.getHeaders())
      server.log(response.writableEnded, response.writableLength > 0)
    })
    const request = client.http.get(toward(target))
    request.on('response', (response) =>
      response.on('end', () =>
        client.log(response.complete, response.trailers, response.rawTrailers),
      ),
    )
    await watchRequest(client.log, 'get', request)
    await run.close(listener)
  })
}

const bodiless = { HEAD: 200, GET: 204, PUT: 304, POST: 205, OPTIONS: 200 }
for (const [method, status] of Object.entries(bodiless)) {
  scenario(`${method} answered with ${status}`, tcp, async (run) => {
    const { server, client } = run
    const { listener, target } = await serve(run, (request, response) => {
      response.writeHead(status, { 'X-A': 'b' })
      server.log('write', response.write('body'))
      response.end('more')
    })
    const request = client.http.request(toward(target, { method }))
    const done = watchRequest(client.log, 'request', request)
    request.end()
    await done
    await run.close(listener)
  })
}

scenario('header forms', tcp, async (run) => {
  const { client } = run
  const { listener, target } = await serve(run, (request, response) => {
    run.server.log(request.headersDistinct)
    response.setHeader('Set-Cookie', ['a=1', 'b=2'])
    response.setHeader('X-Many', ['1', '2'])
    response.setHeader('ETag', 'x')
    response.end()
  })
  const headers = {
    Cookie: ['c=1', 'd=2'],
    'X-Twice': ['one', 'two'],
    'X-MiXeD-CaSe': 'Kept',
    'X-Empty': '',
    'X-Spaces': '  inner  space  ',
    'X-Latin': 'é',
    Accept: ['text/html', 'text/plain'],
    'User-Agent': ['first', 'second'],
  }
  const request = client.http.request(toward(target, { headers }))
  const done = watchRequest(client.log, 'request', request)
  request.on('response', (response) => client.log(response.headersDistinct))
  client.log(request.getRawHeaderNames(), request.getHeaderNames())
  client.log(request.hasHeader('x-twice'), request.getHeader('COOKIE'))
  request.end()
  await done
  await run.close(listener)
})

scenario('joinDuplicateHeaders', tcp, async (run) => {
  const { client } = run
  const options = { joinDuplicateHeaders: true }
  const { listener, target } = await serve(
    run,
    (request, response) => {
      response.writeHead(200, ['Age', '1', 'Age', '2', 'X-A', 'a', 'X-A', 'b'])
      response.end()
    },
    options,
  )
  const headers = ['Host', 'x', 'Authorization', 'a', 'Authorization', 'b']
  const request = client.http.get(toward(target, { ...options, headers }))
  await watchRequest(client.log, 'request', request)
  await run.close(listener)
})

scenario('what a message refuses', tcp, async (run) => {
  const { server, client } = run
  const { listener, target } = await serve(run, (request, response) => {
    const { log } = server
    log(outcome(() => response.setHeader('bad name', 'x')))
    log(outcome(() => response.setHeader('X-A', 'bad\nvalue')))
    log(outcome(() => response.setHeader('X-A', undefined)))
    log(outcome(() => response.writeHead(99)))
    log(outcome(() => response.writeHead(200, 'bad\rreason')))
    response.statusMessage = undefined
    log(outcome(() => response.write(5)))
    log(outcome(() => response.write(null)))
    response.writeHead(200)
    response.write('.')
    log(outcome(() => response.writeHead(200)))
    log(outcome(() => response.setHeader('X-Late', '1')))
    log(outcome(() => response.removeHeader('X-Late')))
    response.end()
    log(response.write('late', (error) => log('written late', error)))
    response.end('again', (error) => log('ended again', error))
  })
  const { http } = client
  const refused = [
    { path: '/with space' },
    { method: 'BAD METHOD' },
    { method: 5 },
    { protocol: 'ftp:' },
    { headers: { 'bad name': 1 } },
    { headers: { ok: 'bad\0value' } },
    { headers: { ok: undefined } },
    { agent: 'none' },
    { insecureHTTPParser: 1 },
    { timeout: 'soon' },
    { maxHeaderSize: -1 },
    { host: 5 },
  ]
  for (const options of refused) {
    client.log(
      options,
      outcome(() => http.request(toward(target, options))),
    )
  }
  client.log(outcome(() => http.request('no url')))
  const request = http.get(toward(target))
  client.log(outcome(() => request.write('body', (error) => client.log(error))))
  await watchRequest(client.log, 'get', request)
  await run.close(listener)
})

scenario('100-continue', tcp, async (run) => {
  const { server, client } = run
  const { listener, target } = await serve(run, (request, response) => request.pipe(response))
  const ask = async (name, expectation) => {
    const headers = { Expect: expectation }
    const options = toward(target, { method: 'POST', headers })
    const request = client.http.request(options)
    const done = watchRequest(client.log, name, request)
    request.once('continue', () => request.end('after continue'))
    request.once('response', () => request.end())
    request.flushHeaders()
    await done
  }
  await ask('automatic', '100-continue')
  listener.on('checkContinue', (request, response) => {
    server.log('checkContinue', head(request))
    response.writeContinue(() => server.log('continue written'))
    request.on('data', (chunk) => server.log.data('request', chunk))
    request.on('end', () => response.end('checked'))
  })
  await ask('checked', '100-continue')
  await ask('unknown', 'something-else')
  listener.on('checkExpectation', (request, response) => {
    server.log('checkExpectation', request.headers.expect)
    response.writeHead(417, { Connection: 'close' }).end()
  })
  await ask('expectation', 'something-else')
  await run.close(listener)
})

scenario('responses that only inform', tcp, async (run) => {
  const { client } = run
  const { listener, target } = await serve(run, (request, response) => {
    response.writeProcessing()
    response.writeEarlyHints({ link: '</a.css>; rel=preload', 'x-h': 'v' })
    response.end('at last')
  })
  const request = client.http.get(toward(target))
  await watchRequest(client.log, 'get', request)
  await run.close(listener)
})

for (const direction of ['download', 'upload']) {
  const name = `a large ${direction}`
  scenario(name, { timeout: 30000 }, async (run) => {
    const { server, client } = run
    const PART = 1 << 20
    const parts = 24
    const sent = createHash('sha256')
    const received = createHash('sha256')
    async function* source() {
      for (let i = 0; i < parts; i++) {
        const part = Buffer.alloc(PART, i + 1)
        sent.update(part)
        yield part
      }
    }
    const measure = async (message) => {
      let length = 0
      for await (const chunk of message) {
        length += chunk.length
        received.update(chunk)
      }
      return length
    }
    const listener = server.http.createServer(async (request, response) => {
      server.log.watch('response', response, RESPONSE)
      if (direction === 'upload') {
        const length = await measure(request)
        server.log('received', length, received.digest('hex'))
        response.end('thanks')
      } else {
        pipeline(source(), response, (error) => server.log('sent', error))
      }
    })
    const target = await run.listen(listener)
    const request = client.http.request(toward(target, { method: 'POST' }))
    client.log.watch('request', request, ['finish', 'error', 'close'])
    const answered = event(request, 'response')
    const gone = closed(request)
    if (direction === 'upload') {
      pipeline(source(), request, (error) => client.log('sent', error))
    } else request.end()
    const response = await answered
    if (direction === 'upload') client.log.watch('response', response, INCOMING)
    else {
      const length = await measure(response)
      client.log('received', length, received.digest('hex'))
    }
    await gone
    const side = direction === 'upload' ? client : server
    side.log('sent', sent.digest('hex'))
    await run.close(listener)
  })
}
