/** The schedule that a workload asks for: the visible list of arrivals. */
import type { Nanoseconds } from '../core/clock.ts'
import { NEVER } from '../core/clock.ts'
import type { Messages, Workload } from '../core/types.ts'
import { messagesOf } from '../core/workload.ts'
import { BurstSchedule } from './schedule-burst.ts'
import { PoissonSchedule } from './schedule-poisson.ts'
import type { PhasePlan, Schedule } from './schedule.ts'
import { ConstantSchedule } from './schedule.ts'

/** @param seed the same for every stack of a repetition */
export const scheduleOf = (workload: Workload, plan: PhasePlan, seed: number): Schedule => {
  const messages = messagesOf(workload)
  if (messages === null) return new ConstantSchedule(plan, NEVER, seed)
  const own = arrivalsOf(messages, plan, seed)
  // What is said to all is due for all at once.
  return workload.kind === 'fan-out' ? new CommonSchedule(own) : own
}

const arrivalsOf = ({ arrivals, interval }: Messages, plan: PhasePlan, seed: number): Schedule => {
  if (arrivals === 'constant') return new ConstantSchedule(plan, interval, seed)
  if (arrivals === 'poisson') return new PoissonSchedule(plan, interval, seed)
  return new BurstSchedule(plan, interval, arrivals.burst, seed)
}

/** All devices have the messages of one. */
class CommonSchedule implements Schedule {
  readonly plan: PhasePlan
  readonly #one: Schedule

  constructor(one: Schedule) {
    this.plan = one.plan
    this.#one = one
  }

  intended(_device: number, sequence: number): Nanoseconds {
    return this.#one.intended(0, sequence)
  }

  before(_device: number, time: Nanoseconds): number {
    return this.#one.before(0, time)
  }

  measured(intended: Nanoseconds): boolean {
    return this.#one.measured(intended)
  }
}
