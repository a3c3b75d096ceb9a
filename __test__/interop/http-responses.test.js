'use strict'

// What a server makes of an answer, for every way to give one: the bytes, the state that user code can read and the events.
// The plain ones take the fast path; `FERROWIRE_FASTPATH=0` runs the same on the classic one.

const { scenario } = require('../common/harness')
const { event } = require('../common/tools')

const BODIES = {
  text: 'plain text',
  'no ASCII': 'grün, 水',
  bytes: Buffer.from([0, 255, 65, 66]),
  'many bytes': Buffer.alloc(20_000, 'ab'),
  'long text': 'ab'.repeat(40_000),
  array: new Uint8Array([1, 2, 3]),
  'an empty text': '',
  'no bytes': Buffer.alloc(0),
  nothing: undefined,
  null: null,
}

// Each gets a response; what is thrown is logged.
const HEADS = {
  none: () => {},
  status: (res) => (res.statusCode = 404),
  'status of a text': (res) => (res.statusCode = '201'),
  'unknown status': (res) => (res.statusCode = 299),
  'status without body': (res) => (res.statusCode = 304),
  'no content': (res) => (res.statusCode = 204),
  reason: (res) => (res.statusMessage = 'Well'),
  'no date': (res) => (res.sendDate = false),
  close: (res) => (res.shouldKeepAlive = false),
  fields: (res) => {
    res.setHeader('Content-Type', 'text/plain')
    res.setHeader('X-Number', 17)
    res.setHeader('x-latin1', 'grün')
    res.setHeader('X-Empty', '')
    res.setHeader('X-Boolean', true)
  },
  'a field by each case': (res) => {
    res.setHeader('X-A', 'one')
    res.setHeader('x-a', 'two')
  },
  'several values': (res) => {
    res.setHeader('Set-Cookie', ['a=1', 'b=2'])
    res.setHeader('X-List', ['1', '2'])
  },
  appended: (res) => res.appendHeader('X-A', '1').appendHeader('X-A', '2'),
  'set and removed': (res) => {
    res.setHeader('X-A', '1')
    res.removeHeader('X-A')
    res.removeHeader('Date')
  },
  'removed length': (res) => res.removeHeader('Content-Length'),
  'removed connection': (res) => res.removeHeader('Connection'),
  'own length': (res) => res.setHeader('Content-Length', 3),
  'own date': (res) => res.setHeader('Date', 'today'),
  'own connection': (res) => res.setHeader('Connection', 'close'),
  'own keep-alive': (res) => res.setHeader('Keep-Alive', 'timeout=9'),
  'own chunks': (res) => res.setHeader('Transfer-Encoding', 'chunked'),
  'chunks switched off behind the head': (res) => {
    res.writeHead(200)
    res.chunkedEncoding = false
  },
  'chunks switched on behind the head': (res) => {
    res.writeHead(200, { 'X-A': '1', 'Content-Length': 10 })
    res.chunkedEncoding = true
  },
  disposition: (res) => {
    res.setHeader('Content-Disposition', 'attachment; filename="grün"')
    res.setHeader('Content-Length', 10)
  },
  trailer: (res) => {
    res.setHeader('Trailer', 'X-T')
    res.addTrailers({ 'X-T': 'yes' })
  },
  strict: (res) => {
    res.strictContentLength = true
    res.setHeader('Content-Length', 10)
  },
  corked: (res) => res.cork(),
  'writeHead()': (res) => res.writeHead(200),
  'writeHead() with fields': (res) => res.writeHead(201, { 'X-A': 'b', 'content-type': 'text/x' }),
  'writeHead() with a length': (res) => res.writeHead(200, { 'Content-Length': '10' }),
  'writeHead() with pairs': (res) => res.writeHead(200, ['X-A', '1', 'X-A', '2']),
  'writeHead() with a reason': (res) => res.writeHead(200, 'Fine', { 'X-A': 'b' }),
  'writeHead() with null': (res) => res.writeHead(200, null),
  'writeHead() upon fields': (res) =>
    res.setHeader('X-A', 'a') && res.writeHead(202, { 'X-B': 'b' }),
  'writeHead() after fields': (res) => res.setHeader('X-A', 'a') && res.writeHead(202),
  'writeHead() with lists': (res) => res.writeHead(200, { 'Set-Cookie': ['a=1', 'b=2'] }),
  'writeHead() with inherited': (res) => res.writeHead(200, Object.create({ 'X-Not': 'own' })),
  'writeHead() of no content': (res) => res.writeHead(204, { 'X-A': 'b' }),
  'writeHead() with close': (res) => res.writeHead(200, { Connection: 'close' }),
  'writeHead() and a callback': (res) => res.writeHead(200, { 'X-A': 'b' }).setTimeout(60_000),
  'flushed head': (res) => res.flushHeaders(),
  'half a body': (res) => res.write('first, '),
  'an empty write': (res) => res.write(''),
  'hints before': (res) => res.writeEarlyHints({ link: '</a.css>; rel=preload' }),
  'continue before': (res) => res.writeContinue(),
  'a wrapped writeHead': (res) => {
    const { writeHead } = res
    res.writeHead = function (...args) {
      this.setHeader('X-Wrapped', 'yes')
      return writeHead.apply(this, args)
    }
  },
  'a wrapped end': (res) => {
    const { end } = res
    res.end = function (chunk, ...rest) {
      return end.call(this, chunk && `${chunk}!`, ...rest)
    }
  },
  'a wrapped socket.write': (res, log) => {
    const { socket } = res
    const { write } = socket
    socket.write = function (chunk, ...rest) {
      log('socket.write', typeof chunk)
      delete socket.write
      return write.call(this, chunk, ...rest)
    }
  },
  'a corked socket': (res) => res.socket.cork(),
}

const ENDS = {
  'end(body)': (res, body) => res.end(body),
  'end(body, encoding)': (res, body) => res.end(body, 'utf8'),
  'end(body, latin1)': (res, body) => res.end(body, 'latin1'),
  'end(body, hex)': (res, body) => res.end(body, 'hex'),
  'end(body, bad encoding)': (res, body) => res.end(body, 'bogus'),
  'end(body, callback)': (res, body, done) => res.end(body, done),
  'end(body, encoding, callback)': (res, body, done) => res.end(body, 'utf8', done),
  'end(body, encoding, no callback)': (res, body) => res.end(body, undefined, 'none'),
  'end() twice': (res, body, done) => res.end(body).end(done),
  'end() and write()': (res, body, done) => {
    res.end(body)
    res.write('too late', done)
  },
  'end() and setHeader()': (res, body) => {
    res.end(body)
    res.setHeader('X-Late', '1')
  },
  'end() and destroy()': (res, body) => res.end(body).destroy(),
  'end() and socket.end()': (res, body) => {
    const { socket } = res
    res.end(body)
    socket.end()
  },
  'end() and socket.write()': (res, body) => {
    const { socket } = res
    res.end(body)
    socket.write('HTTP/1.1 102 Processing\r\n\r\n')
  },
  'end() later': (res, body) => setImmediate(() => res.end(body)),
}

const INVALID = {
  'a line break in a field': (res) => res.setHeader('X-A', 'a\r\nX-B: b'),
  'a known field, then a line break': (res) => {
    res.setHeader('X-Known', 'a')
    res.setHeader('X-Known', 'a\nb')
  },
  'a known field, then no value': (res) => {
    res.setHeader('X-Known', 'a')
    res.setHeader('X-Known', undefined)
  },
  'a bad name': (res) => res.setHeader('bad name', 'a'),
  'no name': (res) => res.setHeader(undefined, 'a'),
  'a field of a symbol': (res) => res.setHeader('X-Known', Symbol('s')),
  'writeHead() with a line break': (res) => res.writeHead(200, { 'X-Known': 'a\r\nb' }),
  'writeHead() without a value': (res) => res.writeHead(200, { 'X-Known': undefined }),
  'writeHead() with a bad name': (res) => res.writeHead(200, { 'bad name': 'a' }),
  'a bad status': (res) => res.writeHead(99),
  'a status of nothing': (res) => (res.statusCode = undefined),
  'a bad reason': (res) => (res.statusMessage = 'a\r\nb'),
  'writeHead() twice': (res) => res.writeHead(200) && res.writeHead(201),
}

// What user code reads of a response, as loggers and middleware do.
function stateOf(res) {
  const { statusCode, statusMessage, headersSent, writableEnded, writableFinished } = res
  return {
    statusCode,
    statusMessage,
    headersSent,
    writableEnded,
    writableFinished,
    finished: res.finished,
    destroyed: res.destroyed,
    head: masked(res._header),
    chunked: res.chunkedEncoding,
    length: res._contentLength,
    names: res.getHeaderNames(),
    fields: { ...res.getHeaders() },
    hasSocket: Boolean(res.socket),
    waiting: res.writableLength,
  }
}

const masked = (text) => text && text.replaceAll(/^(date: )[^\r]{20,}/gim, '$1<now>')

const GET = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'

// Sends a request twice over one connection, if that stays: what was made for the first answer is used again. The
// second is sent when the first is answered, or, with `pipelined`, behind it.
async function ask(run, name, answer, { request = GET, pipelined = false } = {}) {
  const { server, client } = run
  let left = 2
  let socket
  const listener = server.http.createServer((req, res) => {
    for (const event of ['finish', 'drain', 'error', 'close']) {
      res.on(event, (...args) => server.log(event, stateOf(res), ...args))
    }
    res.on('prefinish', () => server.log('prefinish'))
    res.on('close', () => {
      if (--left === 0 || socket.readyState !== 'open') socket.end()
      else if (!pipelined) socket.write(request)
    })
    try {
      answer(res, (...args) => server.log('callback', ...args), server.log)
    } catch (error) {
      server.log('thrown', error)
      res.destroy()
    }
    server.log('answered', stateOf(res))
  })
  socket = client.net.connect(await run.listen(listener))
  let bytes = ''
  socket.setEncoding('latin1').on('error', () => {})
  socket.on('data', (data) => (bytes += data))
  socket.write(pipelined ? request + request : request)
  await event(socket, 'close')
  client.log(name, masked(bytes))
  await run.close(listener)
}

const tcp = { over: ['tcp'], timeout: 20_000 }

for (const [what, body] of Object.entries(BODIES)) {
  scenario(`heads of an answer of ${what}`, tcp, async (run) => {
    for (const [name, setUp] of Object.entries(HEADS)) {
      await ask(run, name, (res, done, log) => {
        setUp(res, log)
        res.end(body)
      })
    }
  })
}

for (const [what, body] of [
  ['text', BODIES.text],
  ['bytes', BODIES.bytes],
  ['nothing', undefined],
]) {
  scenario(`ends of an answer of ${what}`, tcp, async (run) => {
    for (const [name, end] of Object.entries(ENDS)) {
      for (const pipelined of [false, true]) {
        await ask(run, name, (res, done) => end(res, body, done), { pipelined })
      }
    }
  })
}

scenario('answers that cannot be', tcp, async (run) => {
  for (const [name, setUp] of Object.entries(INVALID)) {
    await ask(run, name, (res) => {
      setUp(res)
      res.end('text')
    })
  }
})

const REQUESTS = {
  HEAD: 'HEAD / HTTP/1.1\r\nHost: x\r\n\r\n',
  'HTTP/1.0': 'GET / HTTP/1.0\r\nHost: x\r\n\r\n',
  'HTTP/1.0 with keep-alive': 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n',
  close: 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
  continue: 'GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n',
  'a body': 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc',
}

for (const [what, request] of Object.entries(REQUESTS)) {
  scenario(`answers to ${what}`, tcp, async (run) => {
    for (const name of ['none', 'fields', 'own length', 'writeHead() with fields']) {
      await ask(
        run,
        name,
        (res) => {
          HEADS[name](res)
          res.end('text')
        },
        { request },
      )
    }
  })
}

const SERVERS = {
  'no keep-alive timeout': { keepAliveTimeout: 0 },
  'a long keep-alive timeout': { keepAliveTimeout: 72_500 },
  'unique fields': { uniqueHeaders: ['x-number'] },
}

for (const [what, options] of Object.entries(SERVERS)) {
  scenario(`answers of a server with ${what}`, tcp, async (run) => {
    const listener = run.server.http.createServer(options, (req, res) => {
      HEADS.fields(res)
      res.on('finish', () => run.server.log('finish', stateOf(res)))
      res.end('text')
    })
    listener.maxRequestsPerSocket = 2
    const socket = run.client.net.connect(await run.listen(listener))
    let bytes = ''
    socket.setEncoding('latin1').on('data', (data) => (bytes += data))
    socket.write(GET + GET + REQUESTS.close)
    await event(socket, 'close')
    run.client.log('bytes', masked(bytes))
    await run.close(listener)
  })
}
