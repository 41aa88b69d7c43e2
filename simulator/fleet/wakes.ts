/**
 * How long after a wake-up the first message arrives that had become due during the sleep before it. The consumer computes sleep
 * and intended time from device and message number, so nothing is sent for it.
 */
import type { Nanoseconds } from '../core/clock.ts'
import { encodeDoubles } from '../core/doubles.ts'
import type { Workload } from '../core/types.ts'
import { absencesOf } from '../core/workload.ts'
import { Histogram } from '../measure/histogram.ts'
import { AbsencePlan } from './absence-plan.ts'
import type { WakeReport } from './fleet-protocol.ts'
import type { Schedule } from './schedule.ts'

export class Wakes {
  readonly #plan: AbsencePlan
  readonly #schedule: Schedule
  readonly #series = new Histogram()
  /** Of each device: wake-ups with a message to bring, in [t0, t1), that have brought none yet. */
  readonly #awaited: Set<number>[]
  #count = 0
  /** Device, wake-up, first delivery. */
  readonly #spans: number[] = []

  constructor(plan: AbsencePlan, schedule: Schedule, devices: number) {
    this.#plan = plan
    this.#schedule = schedule
    this.#awaited = Array.from({ length: devices }, (_, device) => this.#awaitedOf(device))
    for (const { size } of this.#awaited) this.#count += size
  }

  received(device: number, sequence: number, now: Nanoseconds): void {
    const intended = this.#schedule.intended(device, sequence)
    const sleep = this.#plan.sleepAt(device, intended)
    const awaited = this.#awaited[device]
    if (awaited?.has(sleep) !== true) return
    const wakeUp = this.#plan.back(device, sleep)
    if (now < wakeUp) {
      // A device that was still awake, because it had something to send, sent this one at once: perhaps none is left to wait.
      if (sequence + 1 < this.#schedule.before(device, wakeUp)) return
      awaited.delete(sleep)
      this.#count--
      return
    }
    awaited.delete(sleep)
    this.#series.record(now - wakeUp)
    this.#spans.push(device, wakeUp, now)
  }

  report(): WakeReport {
    return {
      awaited: this.#count,
      firstDelivery: this.#series.toJSON(),
      spans: encodeDoubles(Float64Array.from(this.#spans)),
    }
  }

  #awaitedOf(device: number): Set<number> {
    const found = new Set<number>()
    const plan = this.#plan
    for (let k = plan.first(device); plan.back(device, k) < plan.plan.t1; k++) {
      if (!plan.measured(plan.back(device, k))) continue
      const before = this.#schedule.before(device, plan.leave(device, k))
      if (this.#schedule.before(device, plan.back(device, k)) > before) found.add(k)
    }
    return found
  }
}

/** Null where devices do not sleep. */
export const wakesOf = (
  workload: Workload,
  schedule: Schedule,
  seed: number,
  devices: number,
): Wakes | null => {
  const absences = absencesOf(workload)
  if (absences?.kind !== 'sleep') return null
  return new Wakes(new AbsencePlan(schedule.plan, absences, seed), schedule, devices)
}
