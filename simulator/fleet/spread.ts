/** How far apart the first and the last device receive what is said to all. */
import type { Nanoseconds } from '../core/clock.ts'
import { Histogram } from '../measure/histogram.ts'

export class Spread {
  readonly #devices: number
  /** By message number: the first and the latest receipt, and how many devices have it. */
  readonly #first: Nanoseconds[] = []
  readonly #last: Nanoseconds[] = []
  readonly #count: number[] = []

  constructor(devices: number) {
    this.#devices = devices
  }

  /** A device received a measured message for the first time. */
  received(sequence: number, now: Nanoseconds): void {
    this.#first[sequence] = Math.min(this.#first[sequence] ?? now, now)
    this.#last[sequence] = Math.max(this.#last[sequence] ?? now, now)
    this.#count[sequence] = (this.#count[sequence] ?? 0) + 1
  }

  /** Of the messages that reached every device. */
  histogram(): Histogram {
    const spread = new Histogram()
    this.#count.forEach((count, sequence) => {
      if (count === this.#devices)
        spread.record((this.#last[sequence] as number) - (this.#first[sequence] as number))
    })
    return spread
  }
}
