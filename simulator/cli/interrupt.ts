/** What ends a run before its time: Ctrl-C, kill, a terminal that is closed, a reader that is gone. */
import type { Display } from './display.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const EXIT = 3
/** What a write meets when nobody reads any more: a closed pipe, a closed terminal. */
const GONE = new Set(['EPIPE', 'EIO', 'ERR_STREAM_DESTROYED'])

/** From now on a reader that is gone does not end this process in the middle of something. To be called once. */
export const surviveReaders = (): void => {
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (!GONE.has(error.code ?? '')) throw error
    })
}

/** The first signal ends the run in order, the second ends this process at once. */
export class Interrupt implements Disposable {
  readonly #controller = new AbortController()
  readonly #display: Display
  readonly #ending: string
  /** The signal; SIGPIPE stands for a reader that is gone. */
  name = ''

  /** @param ending what happens then, in words */
  constructor(display: Display, ending = 'ending the running cell, keeping what is finished') {
    this.#display = display
    this.#ending = ending
    for (const name of SIGNALS) process.on(name, this.#signalled)
    for (const stream of [process.stdout, process.stderr]) stream.on('error', this.#unread)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  [Symbol.dispose](): void {
    for (const name of SIGNALS) process.off(name, this.#signalled)
    for (const stream of [process.stdout, process.stderr]) stream.off('error', this.#unread)
  }

  readonly #signalled = (name: NodeJS.Signals): void => {
    if (this.signal.aborted) {
      this.#display.clear()
      process.exit(EXIT)
    }
    this.#end(name)
  }

  readonly #unread = (): void => {
    if (!this.signal.aborted) this.#end('SIGPIPE')
  }

  #end(name: NodeJS.Signals): void {
    this.name = name
    this.#controller.abort()
    this.#display.say(`thingbench: ${name}: ${this.#ending}`)
    this.#display.busy(this.#ending.split(',', 1)[0] ?? '')
  }
}
