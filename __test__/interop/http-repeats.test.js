'use strict'

// Messages on one connection that repeat the head before them, in whole or in their fields: each has a head of its own.

const { scenario } = require('../common/harness')
const { event } = require('../common/tools')

const tcp = { over: ['tcp'] }
const lines = (...text) => text.join('\r\n')

const PLAIN = lines('Host: a', 'User-Agent: x', 'X-A: 1', 'x-a: 2', '', '')
const BODY = lines('Host: a', 'Content-Length: 3', '', 'abc')
const CHUNKED = lines('Host: a', 'Transfer-Encoding: chunked', '', '2', 'ab', '0', 'X-T: 1', '', '')
const KEPT = lines('Host: a', 'Connection: keep-alive', '', '')
const EXPECTS = lines('Host: a', 'Expect: 100-continue', 'Content-Length: 1', '', 'x')
const many = Array.from({ length: 40 }, (_, i) => `X-${i}: ${i}`)
const MANY = lines('Host: a', ...many, '', '')

const requests = [
  ...['/one', '/one', '/one', '/two?a=b', '/two?a=b', '/one'].map(
    (to) => `GET ${to} HTTP/1.1\r\n${PLAIN}`,
  ),
  ...['POST', 'POST', 'PUT', 'POST'].map((method) => `${method} /one HTTP/1.1\r\n${BODY}`),
  ...Array(3).fill(`POST /chunks HTTP/1.1\r\n${CHUNKED}`),
  ...Array(3).fill(`POST /expects HTTP/1.1\r\n${EXPECTS}`),
  ...Array(3).fill(`GET /many HTTP/1.1\r\n${MANY}`),
  // Its answer ends the connection.
  ...['1.1', '1.1', '1.0'].map((version) => `GET /one HTTP/${version}\r\n${KEPT}`),
]

function followRequests(log, request, response) {
  const { method, url, httpVersion, rawHeaders, headers } = request
  log('request', method, url, httpVersion, [...rawHeaders], headers)
  // Nobody else's list.
  rawHeaders.push('changed')
  rawHeaders[0] = 'changed'
  request.headers.host = 'changed'
  let body = ''
  request.on('data', (chunk) => (body += chunk))
  request.on('end', () => {
    log('end', body, request.rawTrailers)
    response.end('answer')
  })
}

const ways = {
  'one after the other': async (socket, run, answered) => {
    for (const request of requests) {
      socket.write(request)
      await answered(1)
    }
  },
  pipelined: async (socket, run, answered) => {
    socket.write(requests.join(''))
    await answered(requests.length)
  },
  'in small pieces': async (socket, run, answered) => {
    const some = requests.slice(0, 12)
    const text = some.join('')
    for (let i = 0; i < text.length; i += 37) {
      socket.write(text.slice(i, i + 37))
      await run.turns(1)
    }
    await answered(some.length)
  },
}

for (const [title, send] of Object.entries(ways)) {
  scenario(`requests that repeat the head before, ${title}`, tcp, async (run) => {
    const { server, client } = run
    const listener = server.http.createServer((request, response) =>
      followRequests(server.log, request, response),
    )
    const target = await run.listen(listener)
    const socket = client.net.connect(target)
    let text = ''
    let arrived = () => {}
    socket.on('data', (chunk) => {
      text += chunk.latin1Slice()
      arrived()
    })
    const answered = async (count) => {
      while (text.split('answer').length <= count) {
        await new Promise((resolve) => (arrived = resolve))
      }
      client.log('answers', text.replace(/Date: .*/g, 'Date'))
      text = ''
    }
    await event(socket, 'connect')
    await send(socket, run, answered)
    socket.destroy()
    await run.close(listener)
  })
}

scenario('responses that repeat the head before', tcp, async (run) => {
  const { server, client } = run
  const small = lines('HTTP/1.1 200 Fine', 'Content-Length: 2', 'X-A: 1', 'X-a: 2', '', 'ab')
  const other = lines('HTTP/1.1 404 Gone', 'Content-Length: 2', 'X-A: 1', 'X-a: 2', '', 'cd')
  const chunks = lines('HTTP/1.1 200 Fine', 'Transfer-Encoding: chunked', '', '1', 'x', '0', '', '')
  const informs = `HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n${small}`
  const bare = lines('HTTP/1.1 200', 'Content-Length: 2', '', 'ef')
  const answers = [small, small, small, small, other, other, other, chunks, chunks, chunks]
  answers.push(bare, bare, bare, bare)
  answers.push(informs, informs, informs, small, small)
  const listener = server.net.createServer((peer) => {
    let count = 0
    peer.on('error', () => {})
    peer.on('data', () => {
      server.log('request', count)
      peer.write(answers[count++])
    })
  })
  const target = await run.listen(listener)
  const agent = new client.http.Agent({ keepAlive: true, maxSockets: 1 })
  for (let i = 0; i < answers.length; i++) {
    // The limit on fields is the request's, not the connection's.
    const request = client.http.request({ ...target, agent, method: i === 3 ? 'POST' : 'GET' })
    if (i === 5) request.maxHeadersCount = 1
    request.on('information', ({ rawHeaders }) => client.log('information', rawHeaders))
    request.end()
    const response = await event(request, 'response')
    const { statusCode, statusMessage, rawHeaders, headers } = response
    client.log('response', statusCode, statusMessage, [...rawHeaders], headers)
    rawHeaders.length = 1
    response.on('data', (chunk) => client.log('data', chunk))
    await event(response, 'end')
    await run.turns(2)
  }
  agent.destroy()
  await run.close(listener)
})
