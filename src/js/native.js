'use strict'

// The addon's binary: built beside the sources, or from the package of this platform. Tried in turn rather than asked for: to
// find out which C library a Linux has takes longer than to load the binary.

const process = require('node:process')

// They load Node addons too, but have no libuv loop that the engine could sit on.
const otherRuntime = process.versions.bun ? 'Bun' : process.versions.deno ? 'Deno' : undefined
if (otherRuntime !== undefined) {
  throw new Error(`ferrowire runs on Node.js only: it needs libuv, which ${otherRuntime} lacks`)
}

const LIBRARIES = { linux: ['-gnu', '-musl'], win32: ['-msvc', '-gnu'] }

function load() {
  const { platform, arch } = process
  const errors = []
  for (const library of LIBRARIES[platform] ?? ['']) {
    const target = `${platform}-${arch}${library}`
    for (const name of [`./binding/ferrowire.${target}.node`, `ferrowire-${target}`]) {
      try {
        return require(name)
      } catch (error) {
        // One that is there and does not load says why; one that is not there is no news.
        if (error.code !== 'MODULE_NOT_FOUND') errors.push(error)
      }
    }
  }
  const reason =
    errors.length > 0 ? errors.map(({ message }) => message).join('; ') : 'there is none'
  throw new Error(
    `no binary of ferrowire can be loaded for ${platform} on ${arch} (${reason}): run \`npm run build\` in its folder`,
    { cause: errors[0] },
  )
}

module.exports = load()
