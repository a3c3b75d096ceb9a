'use strict'

// What the servers of the HTTP rows do with a request; each makes a listener.

const LARGE = 1024 * 1024
const BLOCK = Buffer.from(Uint8Array.from({ length: 64 * 1024 }, (_, i) => (i * 31) % 251))
// With its quotes and braces a text of 1 KiB.
const VALUE = { text: 'x'.repeat(1024 - '{"text":""}'.length) }

// Reads ten fields, sets five.
function json(req, res) {
  const { headers } = req
  let length = 0
  for (const name of [
    'host',
    'accept',
    'accept-encoding',
    'accept-language',
    'user-agent',
    'x-request-id',
    'x-forwarded-for',
    'x-forwarded-proto',
    'cookie',
    'cache-control',
  ]) {
    length += headers[name].length
  }
  const text = JSON.stringify(VALUE)
  res.setHeader('Content-Type', 'application/json; charset=utf-8')
  res.setHeader('Content-Length', Buffer.byteLength(text))
  res.setHeader('Cache-Control', 'no-store')
  res.setHeader('X-Request-Id', headers['x-request-id'])
  res.setHeader('X-Values', length)
  res.end(text)
}

function post(req, res) {
  const chunks = []
  req.on('data', (chunk) => chunks.push(chunk))
  req.on('end', () => res.end(Buffer.concat(chunks)))
}

// Of no length known beforehand, so it is chunked.
function large(req, res) {
  let left = LARGE
  const more = () => {
    while (left > 0) {
      left -= BLOCK.length
      if (!res.write(BLOCK)) return res.once('drain', more)
    }
    res.end()
  }
  more()
}

function express() {
  const app = require('express')()
  app.get('/hello', (req, res) => res.send('Hello World!'))
  return app
}

module.exports = {
  get: () => (req, res) => res.end(req.url),
  json: () => json,
  post: () => post,
  large: () => large,
  express,
}
