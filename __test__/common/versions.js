'use strict'

// Ferrowire behaves as Node 24 on every Node, and the logs are compared with the built-in of the
// Node that runs. This is where an older built-in does something else: with `entry` only the
// entries it matches are left out of the comparison, without it the scenario is.

module.exports = [
  {
    scenarios: ['the client destroys in mid-transfer', 'the server destroys in mid-transfer'],
    before: 22,
    entry: /^\["not written"/,
    because: 'a write that its broken socket cut off calls back without an error',
  },
  {
    scenarios: ['a socket that was never connected'],
    before: 22,
    entry: /^\["unused finish"/,
    because: 'the end of a socket that was never connected is not finished',
  },
  {
    scenarios: ['ports out of range'],
    before: 22,
    entry: /"hostname|options\.host/,
    because: 'a host that is no string is called "hostname" in the error',
  },
  {
    scenarios: ['a block list'],
    before: 22,
    because: 'a client has no blockList option',
  },
  {
    scenarios: ['a block list of the server', 'maxConnections changes while it listens'],
    before: 22,
    because: 'a server has no blockList option, and the limit 0 is none',
  },
  {
    scenarios: ['who may use a path'],
    before: 22,
    because: 'readableAll and writableAll add to the permissions',
  },
  {
    scenarios: ['an abstract name'],
    before: 22,
    because: 'abstract names are filled up with zeros',
  },
  {
    scenarios: ['ports shared and not shared'],
    before: 22,
    because: 'there is no reusePort',
  },
  {
    scenarios: ['a bound socket', 'a bound path'],
    before: 24,
    because: 'there is no BoundSocket',
  },
  {
    scenarios: ['more fields than maxHeadersCount'],
    before: 22,
    because: 'fields beyond the limit are left out',
  },
  {
    scenarios: ['type of service'],
    before: 24,
    because: 'sockets do not tell or set it',
  },
  {
    scenarios: ['a path with a null byte'],
    before: 22,
    because: 'a path is cut at its null byte',
  },
  {
    scenarios: ['a path too long'],
    before: 24,
    because: 'a path too long for the system is cut, and what is left of it is used',
  },
  {
    scenarios: [
      'given up at every stage, the answer whole',
      'given up at every stage, the answer that stops',
      'given up at every stage, the answer missing',
      'how the connection is made',
      'a body whose source fails',
    ],
    before: 24,
    because: 'the connection of a request that was given up early is not kept',
  },
  {
    scenarios: [
      'a second answer on a pooled connection',
      'rubbish on a pooled connection',
      'the first bytes of an answer on a pooled connection',
      'a line end on a pooled connection',
      'an end on a pooled connection',
      'a reset on a pooled connection',
    ],
    before: 22,
    because: 'what comes on a pooled connection is not watched',
  },
  {
    scenarios: [
      'nonsense for a client, lenient false',
      'nonsense for a client, lenient true',
      'limits of what is read',
    ],
    before: 22,
    because: 'its parser is older and takes more',
  },
  {
    scenarios: ['how long the server keeps a connection'],
    before: 22,
    because: 'an agent has no agentKeepAliveTimeoutBuffer',
  },
  {
    scenarios: [
      'requests through a proxy',
      'hosts that no proxy is asked for',
      'a proxy that is not there, and one that makes no sense',
      'setGlobalProxyFromEnv',
    ],
    before: 24,
    because: 'an agent has no proxyEnv',
  },
  {
    scenarios: ['how strictly is read'],
    before: 24,
    because: 'there is no httpValidation, and a kept connection keeps its high-water mark',
  },
  {
    scenarios: ['diagnostics channels of the client'],
    before: 22,
    because: 'the channel http.client.request.created is missing',
  },
]
