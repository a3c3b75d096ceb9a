'use strict'

// Where our client departs from Node's on purpose: what comes behind an answer ends the connection. Node pools it when that
// is the beginning of a head in the same read, and gives the rest to the next request. It drops what comes while the request
// is still being sent, and what a stream without a handle brings to the pool. Node's own parser tells which these are.

const { noDeprecation } = process
process.noDeprecation = true
const { HTTPParser } = require('_http_common')
process.noDeprecation = noDeprecation

const isInformational = (code) => code < 200 && code !== 101

/** Whether `pieces`, read one by one, are such an answer to a request of `method`; `isDropped`: what comes in a later read. */
function saysMore(pieces, { method, isDropped, insecureHTTPParser, maxHeaderSize = 0 }) {
  const parser = new HTTPParser()
  const lenient = insecureHTTPParser ? HTTPParser.kLenientAll : HTTPParser.kLenientNone
  parser.initialize(HTTPParser.RESPONSE, {}, maxHeaderSize, lenient)
  let code = 0
  let hasAnswered = false
  let isInHead = false
  parser[HTTPParser.kOnMessageBegin] = () => {
    isInHead = true
  }
  parser[HTTPParser.kOnHeaders] = () => {}
  parser[HTTPParser.kOnHeadersComplete] = (...all) => {
    const isUpgrade = all[7]
    code = all[5]
    isInHead = false
    if (isUpgrade || method === 'CONNECT') return 2
    return isInformational(code) || method === 'HEAD' || code === 304 ? 1 : 0
  }
  parser[HTTPParser.kOnBody] = () => {}
  parser[HTTPParser.kOnMessageComplete] = () => {
    hasAnswered ||= !isInformational(code)
  }
  for (const [index, piece] of pieces.entries()) {
    if (parser.execute(piece) instanceof Error) return false
    if (hasAnswered) return isInHead || (isDropped && index < pieces.length - 1)
  }
  return false
}

module.exports = { saysMore }
