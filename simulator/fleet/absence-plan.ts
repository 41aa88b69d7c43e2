/**
 * When which device leaves and comes back: a pure function of seed and plan, as the schedule of messages is, so that fleet and
 * consumer agree without a word. Absence k of device d is [leave, back):
 *
 *   reconnects   leave = back = warmup + (phase(d) + k) x interval;  together: t0 + (k + 1/2) x interval, for all devices
 *   sleep        leave = warmup + (phase(d) + k) x (awake + asleep),  back = leave + asleep
 *   churn        in period k, where u(d, k) < share:  leave = back = warmup + (k + v(d, k)) x every
 *
 * phase is uniform in [0, 1); instants are rounded up to whole milliseconds of the clock.
 */
import { MILLISECOND, type Nanoseconds } from '../core/clock.ts'
import { key, keyOf, uniformAt } from '../core/random.ts'
import type { Absences } from '../core/types.ts'
import type { PhasePlan } from './schedule.ts'

const PHASE = keyOf('absence phase')
const CHOICE = keyOf('churn choice')
const INSTANT = keyOf('churn instant')

const wholeMilliseconds = (time: Nanoseconds): Nanoseconds =>
  Math.ceil(time / MILLISECOND) * MILLISECOND

export class AbsencePlan {
  readonly plan: PhasePlan
  readonly absences: Absences
  readonly abrupt: boolean
  readonly #period: Nanoseconds
  readonly #asleep: Nanoseconds
  readonly #phase: number
  readonly #choice: number
  readonly #instant: number

  constructor(plan: PhasePlan, absences: Absences, seed: number) {
    this.plan = plan
    this.absences = absences
    this.abrupt = absences.kind === 'churn' || absences.close === 'abrupt'
    this.#period = periodOf(absences)
    this.#asleep = absences.kind === 'sleep' ? absences.asleep : 0
    this.#phase = key(PHASE, seed)
    this.#choice = key(CHOICE, seed)
    this.#instant = key(INSTANT, seed)
  }

  /** The number of the device's first absence. */
  first(device: number): number {
    return this.next(device, -1)
  }

  /** The number of the device's absence after number k; one that is not before t1 when there is none in the cell. */
  next(device: number, k: number): number {
    let next = k + 1
    const { absences } = this
    if (absences.kind === 'churn')
      while (
        uniformAt(this.#choice, device, next) >= absences.share &&
        this.leave(device, next) < this.plan.t1
      )
        next++
    return next
  }

  leave(device: number, k: number): Nanoseconds {
    const { absences, plan } = this
    if (absences.kind === 'churn') {
      const instant = k + uniformAt(this.#instant, device, k)
      return wholeMilliseconds(plan.warmup + instant * this.#period)
    }
    if (absences.kind === 'reconnects' && absences.together)
      return wholeMilliseconds(plan.t0 + (k + 0.5) * this.#period)
    return wholeMilliseconds(plan.warmup + (uniformAt(this.#phase, device) + k) * this.#period)
  }

  back(device: number, k: number): Nanoseconds {
    return this.leave(device, k) + this.#asleep
  }

  /** Whether the connection after an absence that ends then belongs to the measurement. */
  measured(back: Nanoseconds): boolean {
    return back >= this.plan.t0 && back < this.plan.t1
  }

  /** The sleep in which the device is at `time`, or -1. Only for sleep. */
  sleepAt(device: number, time: Nanoseconds): number {
    // Rounding may put it off by one.
    const about = Math.floor((time - this.leave(device, 0)) / this.#period)
    for (let k = Math.max(0, about - 1); k <= about + 1; k++)
      if (time >= this.leave(device, k) && time < this.back(device, k)) return k
    return -1
  }

  /** How many connections of so many devices are intended in the measured window. */
  intended(devices: number): number {
    let count = 0
    for (let d = 0; d < devices; d++)
      for (let k = this.first(d); this.leave(d, k) < this.plan.t1; k = this.next(d, k))
        if (this.measured(this.back(d, k))) count++
    return count
  }
}

const periodOf = (absences: Absences): Nanoseconds => {
  if (absences.kind === 'reconnects') return absences.interval
  return absences.kind === 'sleep' ? absences.awake + absences.asleep : absences.every
}
