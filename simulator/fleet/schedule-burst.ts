/**
 * Bursts: as many messages per time as at constant arrivals, but `size` of them at one instant, every size x interval.
 * Device d intends message k at  warmup + (phase(d) + floor(k / size)) x size x interval.
 */
import type { Nanoseconds } from '../core/clock.ts'
import type { PhasePlan, Schedule } from './schedule.ts'
import { ConstantSchedule } from './schedule.ts'

export class BurstSchedule implements Schedule {
  readonly plan: PhasePlan
  readonly #size: number
  readonly #bursts: ConstantSchedule

  /** @param interval mean time between two messages of a device @param size messages per burst */
  constructor(plan: PhasePlan, interval: Nanoseconds, size: number, seed: number) {
    this.plan = plan
    this.#size = size
    this.#bursts = new ConstantSchedule(plan, size * interval, seed)
  }

  intended(device: number, sequence: number): Nanoseconds {
    return this.#bursts.intended(device, Math.floor(sequence / this.#size))
  }

  before(device: number, time: Nanoseconds): number {
    return this.#size * this.#bursts.before(device, time)
  }

  measured(intended: Nanoseconds): boolean {
    return this.#bursts.measured(intended)
  }
}
