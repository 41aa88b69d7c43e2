/** A child process of a cell, as the runner sees it: orders go in, events come out, and it is gone when disposed. */
import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ThingbenchError } from '../core/errors.ts'

interface Waiting {
  readonly event: string
  resolve(event: unknown): void
  reject(error: Error): void
}

const LOG_LINES = 40
const LONGEST_LINE = 500
const END_PATIENCE = 500

export class RoleProcess<
  Order,
  Event extends { readonly event: string },
> implements AsyncDisposable {
  readonly name: string
  readonly #child: ChildProcess
  readonly #inbox: Event[] = []
  readonly #waiting: Waiting[] = []
  readonly #listeners = new Map<string, (event: unknown) => void>()
  readonly #log: string[] = []
  #failure: ThingbenchError | null = null
  #disposing = false

  /** @param entry the module to run, relative to this one @param config its first line */
  constructor(name: string, entry: string, config: unknown) {
    this.name = name
    // A group of its own: Ctrl-C is for the runner, which ends its children in order.
    this.#child = spawn(process.execPath, [fileURLToPath(new URL(entry, import.meta.url))], {
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    })
    this.#child.on('error', (error) => this.#fail(error.message))
    // Not at 'exit': what it said last may not have been read then.
    this.#child.on('close', (code, signal) => {
      if (this.#disposing) return
      // Status 0 is the end that it was told to make, unless somebody still waits for an event.
      if (code !== 0 || this.#waiting.length > 0)
        this.#fail(`it ended early (${signal ?? `exit status ${code}`})`)
    })
    this.#child.stdin?.on('error', () => {})
    if (this.#child.stdout)
      createInterface({ input: this.#child.stdout }).on('line', (line) => this.#hear(line))
    if (this.#child.stderr)
      createInterface({ input: this.#child.stderr }).on('line', (line) => this.#keep(line))
    this.#child.stdin?.write(`${JSON.stringify(config)}\n`)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get failure(): ThingbenchError | null {
    return this.#failure
  }

  order(order: Order): void {
    this.#child.stdin?.write(`${JSON.stringify(order)}\n`)
  }

  /** Whether the event has come; it stays for `expect`. */
  has(event: Event['event']): boolean {
    return this.#inbox.some((e) => e.event === event)
  }

  /** Has every later event of that name told to `listener` at once; it is not kept for `expect`. */
  listen<Name extends Event['event']>(
    event: Name,
    listener: (event: Extract<Event, { event: Name }>) => void,
  ): void {
    this.#listeners.set(event, listener as (event: unknown) => void)
  }

  /**
   * The first event of that name, now or later.
   * @throws ThingbenchError TB_ROLE_FAILED when the process fails, TB_WAITED when `patience` milliseconds pass first
   */
  async expect<Name extends Event['event']>(
    event: Name,
    patience: number,
    signal: AbortSignal,
  ): Promise<Extract<Event, { event: Name }>> {
    const at = this.#inbox.findIndex((e) => e.event === event)
    if (at >= 0) return this.#inbox.splice(at, 1)[0] as Extract<Event, { event: Name }>
    if (this.#failure) throw this.#failure
    signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      const done = (): void => {
        clearTimeout(timer)
        signal.removeEventListener('abort', abort)
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
      }
      const waiting: Waiting = {
        event,
        resolve: (e) => (done(), resolve(e as Extract<Event, { event: Name }>)),
        reject: (error) => (done(), reject(error)),
      }
      const timer = setTimeout(
        () =>
          waiting.reject(
            new ThingbenchError('TB_WAITED', {
              who: this.name,
              what: event,
              seconds: patience / 1000,
            }),
          ),
        patience,
      )
      const abort = (): void => waiting.reject(signal.reason as Error)
      signal.addEventListener('abort', abort)
      this.#waiting.push(waiting)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#disposing = true
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.pid === 0) return
    const gone = once(this.#child, 'exit')
    // The end of its input ends a role in order, and lets Node keep its compile cache; one that hangs is killed.
    this.#child.stdin?.end()
    const kill = setTimeout(() => this.#child.kill('SIGKILL'), END_PATIENCE)
    await gone
    clearTimeout(kill)
  }

  #hear(line: string): void {
    let event: Event & { readonly code?: string; readonly message?: string }
    try {
      event = JSON.parse(line) as typeof event
    } catch {
      // A process that was killed while it spoke: its end is told by 'close'.
      this.#keep(line)
      return
    }
    if (event.event === 'failed') return this.#fail(event.message ?? 'no reason given', event.code)
    const listener = this.#listeners.get(event.event)
    if (listener) return listener(event)
    const waiting = this.#waiting.find((w) => w.event === event.event)
    if (waiting) waiting.resolve(event)
    else this.#inbox.push(event)
  }

  #keep(line: string): void {
    this.#log.push(line.slice(0, LONGEST_LINE))
    if (this.#log.length > LOG_LINES) this.#log.shift()
  }

  /** @param code of the error table, when the process gave one: it becomes the cause */
  #fail(message: string, code?: string): void {
    const log = this.#log.length > 0 ? ` Its last lines: ${this.#log.slice(-5).join(' | ')}` : ''
    const fill = { role: this.name, reason: message + log }
    this.#failure ??= new ThingbenchError('TB_ROLE_FAILED', fill, { cause: { code, message } })
    for (const waiting of this.#waiting.slice()) waiting.reject(this.#failure)
  }
}
