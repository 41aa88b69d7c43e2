/** The longest time of each device without a receipt: what an interruption costs whoever waits for the next message. */
import type { Nanoseconds } from '../core/clock.ts'
import { Histogram } from '../measure/histogram.ts'
import type { PhasePlan } from './schedule.ts'

export class Gaps {
  readonly #plan: PhasePlan
  /** Of each device: the latest receipt; t0 before the first. */
  readonly #latest: Float64Array
  readonly #longest: Float64Array

  constructor(plan: PhasePlan, devices: number) {
    this.#plan = plan
    this.#latest = new Float64Array(devices).fill(plan.t0)
    this.#longest = new Float64Array(devices)
  }

  /** A measured message arrived for the first time. */
  received(device: number, now: Nanoseconds): void {
    const gap = now - (this.#latest[device] as number)
    this.#latest[device] = now
    if (gap > (this.#longest[device] as number)) this.#longest[device] = gap
  }

  /** One value for each device. What has not arrived at t1 leaves a gap up to there at least. */
  report(): Histogram {
    const found = new Histogram()
    this.#longest.forEach((longest, device) => {
      const open = this.#plan.t1 - (this.#latest[device] as number)
      found.record(Math.max(longest, open))
    })
    return found
  }
}
