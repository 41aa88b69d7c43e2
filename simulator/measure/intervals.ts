/** What happened in each second of a cell: the rows of intervals.csv. */
import type { Nanoseconds } from '../core/clock.ts'
import { SECOND } from '../core/clock.ts'
import { Histogram } from './histogram.ts'

/** One second, counted by time of receipt; latencies in nanoseconds. */
export interface Second {
  /** Seconds since the start of warm-up. */
  readonly second: number
  readonly delivered: number
  readonly p50: Nanoseconds
  readonly p99: Nanoseconds
  readonly max: Nanoseconds
}

/** Receives latencies in the order of receipt and keeps a row for each second in which there were any. */
export class Intervals {
  readonly #origin: Nanoseconds
  readonly #rows: Second[] = []
  #current = -1
  readonly #histogram = new Histogram()

  constructor(origin: Nanoseconds) {
    this.#origin = origin
  }

  record(latency: Nanoseconds, now: Nanoseconds): void {
    const second = Math.floor((now - this.#origin) / SECOND)
    if (second !== this.#current) {
      this.#flush()
      this.#current = second
    }
    this.#histogram.record(latency)
  }

  rows(): readonly Second[] {
    this.#flush()
    return this.#rows
  }

  #flush(): void {
    const h = this.#histogram
    if (h.count === 0) return
    // Not empty, so none of them is null.
    this.#rows.push({
      second: this.#current,
      delivered: h.count,
      p50: h.quantile(0.5) as number,
      p99: h.quantile(0.99) as number,
      max: h.max as number,
    })
    h.clear()
  }
}
