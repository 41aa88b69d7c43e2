/**
 * Who sends which message when. A pure function of seed and plan, so that the consumer computes the intended time of
 * a message from its device and number: nothing is sent for it, and nothing can be forgotten (no coordinated omission).
 *
 * Constant arrivals: device d intends message k at  warmup + (phase(d) + k) x interval,  phase uniform in [0, 1), rounded
 * up to a whole millisecond of the clock: what is due in the same millisecond leaves together, at the cost of one
 * awakening, and nothing is late for it, because the rounded time is the intended one.
 */
import { MILLISECOND, type Nanoseconds } from '../core/clock.ts'
import { key, keyOf, uniformAt } from '../core/random.ts'

/** The instants of a cell, on the host's monotonic clock. Schedules start with warmup; a message is measured when t0 <= intended < t1. */
export interface PhasePlan {
  readonly warmup: Nanoseconds
  readonly t0: Nanoseconds
  readonly t1: Nanoseconds
  /** When drain ends at the latest. */
  readonly end: Nanoseconds
}

export interface Schedule {
  readonly plan: PhasePlan
  /** When message `sequence` of the device is to be sent; at or after t1 where there is no such message. */
  intended(device: number, sequence: number): Nanoseconds
  /** How many messages of the device are intended before `time`, at most t1: also the number of the first one at or after it. */
  before(device: number, time: Nanoseconds): number
  measured(intended: Nanoseconds): boolean
}

const PHASE = keyOf('schedule phase')
/** Rounding moves a message by at most a hundredth of the interval; shorter intervals are kept as they are. */
const ROUNDED_FROM = 100 * MILLISECOND

export const rounds = (interval: Nanoseconds): boolean => interval >= ROUNDED_FROM

export const roundedUp = (time: Nanoseconds): Nanoseconds =>
  Math.ceil(time / MILLISECOND) * MILLISECOND

export const isMeasured = ({ t0, t1 }: PhasePlan, intended: Nanoseconds): boolean =>
  intended >= t0 && intended < t1

export class ConstantSchedule implements Schedule {
  readonly plan: PhasePlan
  readonly interval: Nanoseconds
  readonly #key: number
  readonly #rounds: boolean

  constructor(plan: PhasePlan, interval: Nanoseconds, seed: number) {
    this.plan = plan
    this.interval = interval
    this.#key = key(PHASE, seed)
    this.#rounds = rounds(interval)
  }

  intended(device: number, sequence: number): Nanoseconds {
    const exact = this.plan.warmup + (uniformAt(this.#key, device) + sequence) * this.interval
    return this.#rounds ? roundedUp(exact) : exact
  }

  before(device: number, time: Nanoseconds): number {
    let count = Math.max(
      0,
      Math.ceil((time - this.plan.warmup) / this.interval - uniformAt(this.#key, device)),
    )
    // Rounding may put it off by one; `intended` is what counts.
    while (count > 0 && this.intended(device, count - 1) >= time) count--
    while (this.intended(device, count) < time) count++
    return count
  }

  measured(intended: Nanoseconds): boolean {
    return isMeasured(this.plan, intended)
  }
}
