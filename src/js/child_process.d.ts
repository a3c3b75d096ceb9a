/**
 * `node:child_process`, with the channel of `fork` (and of `spawn` with an `'ipc'` entry in `stdio`) on Ferrowire.
 *
 * ```js
 * const { fork } = require('ferrowire/child_process')
 * fork('child.js').on('message', (message) => console.log(message))
 * ```
 */
export * from 'node:child_process'

declare module 'child_process' {
  interface ChildProcess {
    /** Bytes of messages that the kernel has not taken yet. */
    readonly writableLength: number
    /** `send()` has answered `false`, and no `'drain'` has followed. */
    readonly writableNeedDrain: boolean
  }

  interface Control {
    /** Resolves when the kernel has everything that was sent; rejects when the channel ends first. */
    flush(): Promise<void>
    /** Bytes of one message from the peer beyond which the channel ends with an error. */
    maxMessageLength: number
  }

  interface MessagingOptions {
    /** Bytes of one message, for both sides: at least 64 MiB; 512 MiB when not given. */
    maxMessageLength?: number | undefined
  }
}

declare global {
  namespace NodeJS {
    interface Process {
      /** Bytes of messages to the parent that the kernel has not taken yet. */
      readonly writableLength?: number
      /** `send()` has answered `false`, and no `'drain'` has followed. */
      readonly writableNeedDrain?: boolean
    }
  }
}
