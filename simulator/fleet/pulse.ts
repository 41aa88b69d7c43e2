/** Has something said every two seconds from the process's own reactor: at once, then at even seconds of the host's clock. */
import type { Nanoseconds } from '../core/clock.ts'
import { SECOND } from '../core/clock.ts'
import type { Timer } from '../io/reactor.ts'

/** What is seldom done is done with cold caches: a beat takes about 0.12 ms. So this is 60 us per second. */
const PERIOD = 2 * SECOND

export class Pulse implements Timer {
  timerSlot = -1
  readonly #offset: Nanoseconds
  readonly #beat: (now: Nanoseconds) => void
  #due: Nanoseconds = 0

  /** @param offset how long after each even second, so that it is known which of two processes speaks first */
  constructor(offset: Nanoseconds, beat: (now: Nanoseconds) => void) {
    this.#offset = offset
    this.#beat = beat
  }

  deadline(): Nanoseconds {
    return this.#due
  }

  /** A beat that comes late does not move the next, and those that were missed are not made up for. */
  expire(now: Nanoseconds): void {
    this.#due = (Math.floor((now - this.#offset) / PERIOD) + 1) * PERIOD + this.#offset
    this.#beat(now)
  }
}
