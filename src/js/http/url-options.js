'use strict'

// The options of a request from the forms its arguments can take.

const { urlToHttpOptions } = require('node:url')

// Without a prototype's properties, like Node's, but an ordinary object to V8: an object literal with a null prototype
// is a hash table from birth, which costs 90 ns more to fill and read (Node 24).
function Options() {}
Options.prototype = Object.create(null)

function isURL(value) {
  return Boolean(
    value?.href && value.protocol && value.auth === undefined && value.path === undefined,
  )
}

// As Node's urlToHttpOptions, whose copy of the URL's own properties is mostly of none: 0.4 us against 1.2.
function fromURL(url) {
  if (!(url instanceof URL) || Object.keys(url).length > 0) return urlToHttpOptions(url)
  const { hostname, pathname, port, username, password, search } = url
  const options = new Options()
  options.protocol = url.protocol
  options.hostname = hostname[0] === '[' ? hostname.slice(1, -1) : hostname
  options.hash = url.hash
  options.search = search
  options.pathname = pathname
  options.path = pathname + search
  options.href = url.href
  if (port !== '') options.port = Number(port)
  if (username || password) {
    options.auth = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  }
  return options
}

/** request(url[, options][, callback]) and request(options[, callback]): the callback is what is no option. */
function normalize(input, options, callback) {
  let url = null
  if (typeof input === 'string') url = fromURL(new URL(input))
  else if (isURL(input)) url = fromURL(input)
  else if (typeof input === 'function') return { callback: input, options: new Options() }
  else return { callback: options, options: Object.assign(new Options(), input) }
  if (typeof options === 'function') return { callback: options, options: url }
  return { callback, options: Object.assign(new Options(), url, options) }
}

module.exports = { normalize }
