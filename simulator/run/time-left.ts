/** How long a run still takes: what is expected of the cells to come, corrected by how those so far kept to it. */
import type { Nanoseconds } from '../core/clock.ts'

export class TimeLeft {
  /** Expected times of the cells that have not begun. */
  #toCome: Nanoseconds
  #cells: number
  /** The cell that is running. */
  #running: { readonly expected: Nanoseconds; readonly since: Nanoseconds } | null = null
  /** Of the cells that ran as planned: how much longer than expected they took, together. */
  #late: Nanoseconds = 0
  #ran = 0

  /** @param expected of every cell that will run */
  constructor(expected: readonly Nanoseconds[]) {
    this.#toCome = expected.reduce((sum, time) => sum + time, 0)
    this.#cells = expected.length
  }

  /** A cell will be run once more. */
  again(expected: Nanoseconds): void {
    this.#toCome += expected
    this.#cells++
  }

  started(expected: Nanoseconds, now: Nanoseconds): void {
    this.#toCome -= expected
    this.#cells--
    this.#running = { expected, since: now }
  }

  /** @param asPlanned false for a cell that failed: it says nothing about how long the others take */
  ended(asPlanned: boolean, now: Nanoseconds): void {
    if (this.#running && asPlanned) {
      this.#late += now - this.#running.since - this.#running.expected
      this.#ran++
    }
    this.#running = null
  }

  /**
   * What makes a cell late is around it, in starting and ending its parties, and not in its phases: so each cell to come is
   * expected to be as late as the mean so far, however long it is.
   */
  at(now: Nanoseconds): Nanoseconds {
    const late = this.#ran === 0 ? 0 : this.#late / this.#ran
    const running = this.#running
    const rest = running === null ? 0 : running.expected + late - (now - running.since)
    return Math.max(0, rest) + Math.max(0, this.#toCome + this.#cells * late)
  }
}
