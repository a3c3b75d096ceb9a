'use strict'

// What the scripts say and how: colours, one status line with a spinner, plain lines where there is no terminal.

const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const FRAME_MS = 80
// Without a terminal a status that does not change is repeated this often, so that a log shows life.
const PLAIN_REPEAT_MS = 15_000

const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, magenta: 35, cyan: 36 }

const { FORCE_COLOR, NO_COLOR, TERM } = process.env

class Terminal {
  #out
  #live
  #coloured
  #status = null
  #frame = 0
  #timer = null
  #since = 0
  #lastPlain = 0

  constructor(out = process.stdout) {
    this.#out = out
    // Piped into something that left (`| head`): nobody reads on.
    out.on('error', () => process.exit(1))
    this.#live = Boolean(out.isTTY) && TERM !== 'dumb' && !process.env.CI
    this.#coloured = NO_COLOR
      ? false
      : Boolean(FORCE_COLOR && FORCE_COLOR !== '0') || Boolean(out.isTTY && TERM !== 'dumb')
  }

  get columns() {
    return this.#out.columns || 100
  }

  paint(style, text) {
    if (!this.#coloured || style === 'none') return text
    return `\x1b[${CODES[style]}m${text}\x1b[0m`
  }

  // Prints above the status line.
  line(text = '') {
    this.#erase()
    this.#out.write(`${text}\n`)
    this.#draw()
  }

  heading(text) {
    this.line()
    this.line(this.paint('bold', text))
  }

  ok(text) {
    this.line(`${this.paint('green', '✔')} ${text}`)
  }

  bad(text) {
    this.line(`${this.paint('red', '✖')} ${text}`)
  }

  // Shows what is being waited for until the next call, or until `done`.
  status(text) {
    const fresh = this.#status === null
    this.#status = text
    if (fresh) this.#since = Date.now()
    if (this.#live) {
      if (this.#timer === null) this.#timer = setInterval(() => this.#tick(), FRAME_MS).unref()
      this.#erase()
      this.#draw()
    } else if (fresh || Date.now() - this.#lastPlain >= PLAIN_REPEAT_MS) {
      this.#lastPlain = Date.now()
      this.#out.write(`  ${text} ...\n`)
    }
  }

  done() {
    clearInterval(this.#timer)
    this.#timer = null
    this.#erase()
    this.#status = null
  }

  #tick() {
    this.#frame = (this.#frame + 1) % FRAMES.length
    this.#erase()
    this.#draw()
  }

  #erase() {
    if (this.#live && this.#status !== null) this.#out.write('\r\x1b[2K')
  }

  #draw() {
    if (!this.#live || this.#status === null) return
    const seconds = ((Date.now() - this.#since) / 1000).toFixed(0)
    // A line that wraps could not be erased again.
    const text = `${FRAMES[this.#frame]} ${this.#status} ${seconds}s`.slice(0, this.columns - 1)
    this.#out.write(this.paint('cyan', text))
  }
}

module.exports = { Terminal, terminal: new Terminal() }
