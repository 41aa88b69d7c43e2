/** Virtual time and what happens in it: the base of the in-memory network. */
import { type Nanoseconds, NEVER } from '../core/clock.ts'
import { Deadlines } from './deadlines.ts'

/** What passed bytes turn into after the call in which they are valid, so that who keeps them without a copy is found out. */
export const STALE = 0xdd

interface Happening {
  readonly at: Nanoseconds
  readonly action: () => void
}

/** Happenings with the same delay occur in the order in which they were scheduled, so a queue keeps them sorted. */
class Queue {
  #items: Happening[] = []
  #head = 0

  next(): Nanoseconds {
    return this.#items[this.#head]?.at ?? NEVER
  }

  push(at: Nanoseconds, action: () => void): void {
    this.#items.push({ at, action })
  }

  shift(): Happening {
    const first = this.#items[this.#head++] as Happening
    if (this.#head * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#head)
      this.#head = 0
    }
    return first
  }
}

export class VirtualTime {
  readonly deadlines = new Deadlines()
  /** One way through the network. */
  readonly #delay: Nanoseconds
  #now: Nanoseconds = 0
  #stopped = false
  readonly #soon = new Queue()
  readonly #travelling = new Queue()

  constructor(delay: Nanoseconds) {
    this.#delay = delay
  }

  now(): Nanoseconds {
    return this.#now
  }

  /** At this instant, after what runs now. */
  soon(action: () => void): void {
    this.#soon.push(this.#now, action)
  }

  /** One delay from now, at the other side of the network. */
  across(action: () => void): void {
    this.#travelling.push(this.#now + this.#delay, action)
  }

  stop(): void {
    this.#stopped = true
  }

  /** Lets happen, in the order of time, what happens until `end`; at the same instant arrivals come before deadlines. */
  run(end: Nanoseconds): void {
    this.#stopped = false
    while (!this.#stopped) {
      const { deadlines } = this
      const queue = this.#soon.next() <= this.#travelling.next() ? this.#soon : this.#travelling
      const arrival = queue.next()
      const due = deadlines.next()
      const next = Math.min(arrival, due)
      if (next === NEVER || next > end) break
      // A deadline that was set in the past is late; time does not go back.
      this.#now = Math.max(this.#now, next)
      if (arrival <= due) queue.shift().action()
      else deadlines.expireNext(this.#now)
    }
    if (!this.#stopped && end !== NEVER) this.#now = Math.max(this.#now, end)
  }
}
