'use strict'

// Programs that a test runs to their end.

const { execFile } = require('node:child_process')

/**
 * Runs `file` and resolves with what it printed, `{ stdout, stderr }`; rejects with that in the message when it fails.
 * One that does not end is killed after `timeout` ms: left alone it would keep the test's process, and with it the run,
 * past any limit of the test.
 *
 * @param {string} file
 * @param {string[]} args
 * @param {import('node:child_process').ExecFileOptions} [options]
 */
function runProgram(file, args, options) {
  const settings = { timeout: 30_000, killSignal: 'SIGKILL', maxBuffer: 1 << 24, ...options }
  return new Promise((resolve, reject) => {
    execFile(file, args, settings, (error, stdout, stderr) => {
      if (error === null) return resolve({ stdout, stderr })
      const how = error.killed ? `did not end within ${settings.timeout} ms` : error.message
      reject(new Error(`${[file, ...args].join(' ')}: ${how}\n${stdout}${stderr}`))
    })
  })
}

module.exports = { runProgram }
