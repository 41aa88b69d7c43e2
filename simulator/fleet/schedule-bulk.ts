/**
 * Large messages beside those of a workload. All devices intend theirs at the same instants; the parts of one that is sent in
 * parts are intended together. Part i of large message k has the number k x parts + i.
 */
import type { Nanoseconds } from '../core/clock.ts'
import type { Bulk, Stack, Workload } from '../core/types.ts'
import type { PhasePlan, Schedule } from './schedule.ts'
import { isMeasured } from './schedule.ts'

/** What a cell asks of large messages, and how its stack sends them. */
export interface BulkPlan {
  readonly bulk: Bulk
  /** Messages of the protocol that carry one large message. */
  readonly parts: number
  /** Bytes of payload in each. */
  readonly partSize: number
  /** They have a connection of their own. */
  readonly second: boolean
}

/** Null: there are none. */
export const bulkPlanOf = (
  workload: Workload,
  { bulk: carried }: Pick<Stack, 'bulk'>,
): BulkPlan | null => {
  const bulk = 'bulk' in workload ? workload.bulk : undefined
  if (bulk === undefined) return null
  const partSize = Math.min(carried?.chunk ?? bulk.payload, bulk.payload)
  const parts = Math.ceil(bulk.payload / partSize)
  return { bulk, parts, partSize, second: carried?.connection === 'own' }
}

export class BulkSchedule implements Schedule {
  readonly plan: PhasePlan
  readonly #parts: number
  readonly #first: Nanoseconds
  /** Instants of large messages. */
  readonly #intended: readonly Nanoseconds[]

  constructor(plan: PhasePlan, { bulk, parts }: BulkPlan) {
    this.plan = plan
    this.#parts = parts
    this.#first = plan.t0 + bulk.after
    const step = bulk.every ?? plan.t1 - plan.t0
    const count = Math.max(0, Math.ceil((plan.t1 - this.#first) / step))
    this.#intended = Array.from({ length: count }, (_, k) => this.#first + k * step)
  }

  /** Large messages of each device. */
  get count(): number {
    return this.#intended.length
  }

  intended(_device: number, sequence: number): Nanoseconds {
    return this.#intended[Math.floor(sequence / this.#parts)] ?? this.plan.t1
  }

  before(_device: number, time: Nanoseconds): number {
    return this.#intended.filter((at) => at < time).length * this.#parts
  }

  measured(intended: Nanoseconds): boolean {
    return isMeasured(this.plan, intended)
  }
}
