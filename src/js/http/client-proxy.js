'use strict'

// The proxy settings of an agent (option `proxyEnv`, Node >= 24) are read and applied by Node's own classes: it keeps
// them under a symbol that its ClientRequest looks for, and that is found here on an agent made for the purpose.

const { Agent } = require('node:http')

const kProxyConfig = Object.getOwnPropertySymbols(
  new Agent({ proxyEnv: { http_proxy: 'http://localhost' } }),
).find((symbol) => symbol.description === 'kProxyConfig')

/** Gives `agent` the settings that `proxyEnv` asks for. */
function readProxyEnv(agent, proxyEnv) {
  if (kProxyConfig === undefined || typeof proxyEnv !== 'object' || proxyEnv === null) return
  const { protocol, keepAlive } = agent
  agent[kProxyConfig] = new Agent({ proxyEnv, protocol, keepAlive })[kProxyConfig]
}

/** The settings by which `agent` reaches what `options` name, or undefined for the direct way. */
function proxyFor(agent, options) {
  const config = kProxyConfig && agent[kProxyConfig]
  // A local socket has no host that a proxy could be asked for.
  if (!config || options.socketPath) return undefined
  return config.shouldUseProxy(options.host || 'localhost', options.port) ? config : undefined
}

module.exports = { kProxyConfig, proxyFor, readProxyEnv }
