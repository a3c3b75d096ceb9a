'use strict'

// Responses whose heads repeat one another: each must go out with its own.

const { scenario } = require('../common/harness')
const { event } = require('../common/tools')

const tcp = { over: ['tcp'] }
// More than the heads that are kept at a time.
const ROUTES = 70

const answers = {
  'fields set': (res, id) => {
    res.setHeader('X-Route', `route ${id}`)
    res.setHeader('X-Same', 'same')
    return () => res.end(`answer ${id}`)
  },
  'fields given': (res, id) => {
    res.writeHead(200, { 'X-Route': `route ${id}`, 'X-Same': 'same' })
    return () => res.end(`answer ${id}`)
  },
  'with a length': (res, id) => {
    const body = Buffer.from(`answer ${id}`)
    res.writeHead(200 + (id % 3), { 'X-Route': 'route', 'Content-Length': body.length })
    return () => res.end(body)
  },
  statuses: (res, id) => {
    res.statusCode = 200 + (id % 4)
    return () => res.end(id % 2 ? 'text' : Buffer.from('bytes'))
  },
  'not ASCII': (res, id) => {
    res.setHeader('X-Route', id % 2 ? 'grün' : 'gruen')
    return () => res.end(id % 3 ? 'text' : Buffer.from('bytes'))
  },
}

// One after the other on one connection: answers that wait for each other go another way.
async function ask(client, target, paths) {
  const agent = new client.http.Agent({ keepAlive: true, maxSockets: 1 })
  const got = []
  for (const path of paths) {
    const response = await event(client.http.get({ ...target, agent, path }), 'response')
    let body = ''
    response.on('data', (chunk) => (body += chunk.latin1Slice()))
    await event(response, 'end')
    const fields = response.rawHeaders.map((text, i, all) => (all[i - 1] === 'Date' ? '' : text))
    got.push([response.statusCode, fields.join(' '), body])
  }
  agent.destroy()
  return got
}

for (const [title, answer] of Object.entries(answers)) {
  scenario(`heads that repeat one another, ${title}`, tcp, async (run) => {
    const { server, client } = run
    const listener = server.http.createServer((req, res) => {
      const id = Number(req.url.slice(1)) || 0
      server.log('answer', id)
      answer(res, id)()
    })
    const target = await run.listen(listener)
    const paths = Array.from({ length: 2 * ROUTES }, (_, i) => `/${i % ROUTES}`)
    const repeated = Array.from({ length: 60 }, (_, i) => `/${Math.floor(i / 6)}`)
    client.log(await ask(client, target, [...paths, ...repeated]))
    await run.close(listener)
  })
}

scenario('heads that are kept no longer', tcp, async (run) => {
  const { server, client } = run
  let release = () => {}
  const listener = server.http.createServer((req, res) => {
    const id = Number(req.url.slice(1))
    server.log('answer', req.url)
    if (req.url === '/written') {
      res.writeHead(200, { 'X-Route': 'written', 'X-Same': 'same' })
      res.end('written')
    } else if (req.url === '/held') {
      res.writeHead(200, { 'X-Route': 'written', 'X-Same': 'same' })
      release = () => res.end('held')
    } else if (Number.isNaN(id)) {
      res.end('plain')
      release()
    } else {
      answers['fields set'](res, id)()
    }
  })
  const target = await run.listen(listener)
  const routes = Array.from({ length: 2 * ROUTES }, (_, i) => `/${i >> 1}`)
  client.log(await ask(client, target, ['/written', '/written', '/written', '/plain', ...routes]))
  const held = ask(client, target, ['/held'])
  // All these come between its head and its end.
  client.log(await ask(client, target, [...routes, '/plain']))
  client.log(await held)
  await run.close(listener)
})
