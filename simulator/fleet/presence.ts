/**
 * The comings and goings of one device. Absences are performed one after the other:
 *
 *   noticed (its instant has come) -> the device leaves as soon as it may -> it is back at its intended time, or later
 *
 * reconnects   the device leaves when it is connected; what is late keeps its intended time, and nothing is left out
 * sleep        it leaves when nothing waits or is unacknowledged; a sleep that is over before that is left out
 * churn        it leaves at the instant, whatever it does; one that is not connected then has nothing to lose
 */
import type { Nanoseconds } from '../core/clock.ts'
import { NEVER } from '../core/clock.ts'
import type { AbsencePlan } from './absence-plan.ts'
import type { FleetState } from './fleet-state.ts'

export class Presence {
  readonly #device: number
  readonly #plan: AbsencePlan
  readonly #fleet: FleetState
  /** The next absence whose instant has not come, and that instant. */
  #coming: number
  #comesAt: Nanoseconds = NEVER
  /** The oldest absence that was noticed and not performed; `#coming` when there is none. */
  #pending: number
  /** When the device that is away comes back. */
  #backAt: Nanoseconds = NEVER

  constructor(device: number, plan: AbsencePlan, fleet: FleetState) {
    this.#device = device
    this.#plan = plan
    this.#fleet = fleet
    this.#coming = plan.first(device)
    this.#pending = this.#coming
    this.#wait()
  }

  /** How the device leaves. */
  get abrupt(): boolean {
    return this.#plan.abrupt
  }

  /** @param free whether the device may leave, were it its time */
  deadline(free: boolean): Nanoseconds {
    if (this.#backAt !== NEVER) return Math.min(this.#backAt, this.#comesAt)
    return free && this.#pending < this.#coming ? 0 : this.#comesAt
  }

  /** Whether the device is connected, and has nothing to send or to hear, as far as its absences ask for that. */
  free(ready: boolean, settled: boolean): boolean {
    return ready && (settled || this.#plan.absences.kind !== 'sleep')
  }

  /** Notices what has come by now, and leaves out what has no sense any more. True: the device leaves now. */
  leaves(free: boolean, now: Nanoseconds): boolean {
    while (this.#comesAt <= now) {
      this.#fleet.connectDue(this.#plan.back(this.#device, this.#coming), this.#comesAt, now)
      this.#coming = this.#plan.next(this.#device, this.#coming)
      this.#wait()
    }
    if (this.#backAt !== NEVER) return false
    while (this.#pending < this.#coming && this.#isVoid(free, now)) this.#leaveOut(now)
    if (this.#pending >= this.#coming || !free) return false
    this.#backAt = this.#plan.back(this.#device, this.#pending)
    this.#pending = this.#plan.next(this.#device, this.#pending)
    return true
  }

  /** The intended time of the connection that is to be made now; NaN: none. */
  returns(now: Nanoseconds): Nanoseconds {
    if (now < this.#backAt) return NaN
    const intended = this.#backAt
    this.#backAt = NEVER
    return intended
  }

  #wait(): void {
    const at = this.#plan.leave(this.#device, this.#coming)
    this.#comesAt = at < this.#plan.plan.t1 ? at : NEVER
  }

  #isVoid(free: boolean, now: Nanoseconds): boolean {
    const { kind } = this.#plan.absences
    if (kind === 'churn') return !free
    return kind === 'sleep' && now >= this.#plan.back(this.#device, this.#pending)
  }

  #leaveOut(now: Nanoseconds): void {
    this.#fleet.connectLeftOut(this.#plan.back(this.#device, this.#pending), now)
    this.#pending = this.#plan.next(this.#device, this.#pending)
  }
}
