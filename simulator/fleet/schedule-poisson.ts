/**
 * Poisson arrivals: the gaps between the messages of a device are independent and exponential with mean `interval`, the first one
 * counted from warm-up, so that the number of messages in any stretch is Poisson distributed. Gap k of device d is a pure
 * function of (seed, d, k): fleet and application add up the same gaps in the same order, and agree to the bit.
 */
import type { Nanoseconds } from '../core/clock.ts'
import { NEVER } from '../core/clock.ts'
import { key, keyOf, uniformAt } from '../core/random.ts'
import type { PhasePlan, Schedule } from './schedule.ts'
import { isMeasured, roundedUp, rounds } from './schedule.ts'

const GAPS = keyOf('schedule gaps')

export class PoissonSchedule implements Schedule {
  readonly plan: PhasePlan
  readonly #interval: Nanoseconds
  readonly #key: number
  readonly #rounds: boolean
  /** The times of a device's messages before t1, added up when the device is first asked about. */
  readonly #times: Float64Array[] = []

  constructor(plan: PhasePlan, interval: Nanoseconds, seed: number) {
    this.plan = plan
    this.#interval = interval
    this.#key = key(GAPS, seed)
    this.#rounds = rounds(interval)
  }

  /** NEVER for a message at or after t1: none is sent. */
  intended(device: number, sequence: number): Nanoseconds {
    return this.#of(device)[sequence] ?? NEVER
  }

  before(device: number, time: Nanoseconds): number {
    const times = this.#of(device)
    let low = 0
    let high = times.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((times[middle] as Nanoseconds) < time) low = middle + 1
      else high = middle
    }
    return low
  }

  measured(intended: Nanoseconds): boolean {
    return isMeasured(this.plan, intended)
  }

  #of(device: number): Float64Array {
    return (this.#times[device] ??= this.#added(device))
  }

  #added(device: number): Float64Array {
    const { warmup, t1 } = this.plan
    const times: Nanoseconds[] = []
    let exact = warmup
    for (let k = 0; ; k++) {
      exact -= this.#interval * Math.log(1 - uniformAt(this.#key, device, k))
      const intended = this.#rounds ? roundedUp(exact) : exact
      if (intended >= t1) return Float64Array.from(times)
      times.push(intended)
    }
  }
}
