/**
 * When which device leaves and comes back: a pure function of seed and plan, as the schedule of messages is, so that fleet and
 * consumer agree without a word. Absence k of device d is [leave, back):
 *
 *   reconnects   leave = back = warmup + (phase(d) + k) x interval;  together: t0 + (k + 1/2) x interval, for all devices
 *   sleep        leave = warmup + (phase(d) + k) x (awake + asleep),  back = leave + asleep
 *                from k = -1 on, with leave not before warmup: so as many are asleep at first as later
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

/** Whether devices leave without a word. */
export const isAbrupt = (absences: Absences): boolean =>
  absences.kind === 'churn' || absences.close === 'abrupt'

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
    this.abrupt = isAbrupt(absences)
    this.#period = periodOf(absences)
    this.#asleep = absences.kind === 'sleep' ? absences.asleep : 0
    this.#phase = key(PHASE, seed)
    this.#choice = key(CHOICE, seed)
    this.#instant = key(INSTANT, seed)
  }

  /** The number of the device's first absence. */
  first(device: number): number {
    if (this.absences.kind !== 'sleep') return this.next(device, -1)
    return this.back(device, -1) > this.plan.warmup ? -1 : 0
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
    return Math.max(this.#cycle(device, k), plan.warmup)
  }

  back(device: number, k: number): Nanoseconds {
    return this.#asleep === 0 ? this.leave(device, k) : this.#cycle(device, k) + this.#asleep
  }

  #cycle(device: number, k: number): Nanoseconds {
    const instant = uniformAt(this.#phase, device) + k
    return wholeMilliseconds(this.plan.warmup + instant * this.#period)
  }

  /** Whether the connection after an absence that ends then belongs to the measurement. */
  measured(back: Nanoseconds): boolean {
    return back >= this.plan.t0 && back < this.plan.t1
  }

  /** The sleep in which the device is at `time`, or NaN. Only for sleep. */
  sleepAt(device: number, time: Nanoseconds): number {
    // Rounding may put it off by one.
    const about = Math.floor((time - this.leave(device, 0)) / this.#period)
    for (let k = Math.max(this.first(device), about - 1); k <= about + 1; k++)
      if (time >= this.leave(device, k) && time < this.back(device, k)) return k
    return NaN
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
