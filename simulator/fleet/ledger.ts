/**
 * What became of every measured message, as flags per (device, measured message). The fleet and the consumer each keep
 * one; together they close the accounts: intended = delivered + lost + not sent.
 */
import type { Schedule } from './schedule.ts'

export const SENT = 1
export const ACKNOWLEDGED = 2
export const GAVE_UP = 4
export const RECEIVED = 8
export const ANSWERED = 16

export class Ledger {
  readonly devices: number
  readonly #first: Int32Array
  /** Where the device's messages start; one more entry than devices. */
  readonly #offset: Int32Array
  readonly #flags: Uint8Array

  constructor(schedule: Schedule, devices: number) {
    this.devices = devices
    this.#first = new Int32Array(devices)
    this.#offset = new Int32Array(devices + 1)
    for (let d = 0; d < devices; d++) {
      const first = schedule.before(d, schedule.plan.t0)
      this.#first[d] = first
      this.#offset[d + 1] =
        (this.#offset[d] as number) + schedule.before(d, schedule.plan.t1) - first
    }
    this.#flags = new Uint8Array(this.#offset[devices] as number)
  }

  /** Messages intended in the measured window. */
  get intended(): number {
    return this.#flags.length
  }

  /** Sets the flag; says whether it was new. A message outside the measured window is ignored (false). */
  mark(device: number, sequence: number, flag: number): boolean {
    const at = this.#slot(device, sequence)
    if (at < 0) return false
    const old = this.#flags[at] as number
    this.#flags[at] = old | flag
    return (old & flag) === 0
  }

  /** Whether the message belongs to the measured window. */
  measures(device: number, sequence: number): boolean {
    return this.#slot(device, sequence) >= 0
  }

  /** The number behind the device's last message: later ones are none of this cell. */
  end(device: number): number {
    const count = (this.#offset[device + 1] as number) - (this.#offset[device] as number)
    return (this.#first[device] as number) + count
  }

  bytes(): Uint8Array {
    return this.#flags
  }

  #slot(device: number, sequence: number): number {
    if (device < 0 || device >= this.devices) return -1
    const index = sequence - (this.#first[device] as number)
    const at = (this.#offset[device] as number) + index
    return index >= 0 && at < (this.#offset[device + 1] as number) ? at : -1
  }
}

/** The closed accounts of a cell. */
export interface Accounts {
  readonly intended: number
  readonly sent: number
  readonly delivered: number
  /** Sent and never received. */
  readonly lost: number
  readonly notSent: number
  /** Acknowledged to the device and never received. */
  readonly acknowledgedLost: number
  readonly acknowledged: number
  readonly gaveUp: number
  /** Commands whose answer arrived. */
  readonly answered: number
}

/** Lays the fleet's and the consumer's flags over each other; null where no consumer stands behind the server. */
export const settle = (fleet: Uint8Array, consumer: Uint8Array | null): Accounts => {
  let sent = 0
  let delivered = 0
  let lost = 0
  let acknowledged = 0
  let acknowledgedLost = 0
  let gaveUp = 0
  let answered = 0
  for (let i = 0; i < fleet.length; i++) {
    const flags = (fleet[i] as number) | (consumer?.[i] ?? 0)
    if (flags & SENT) sent++
    if (flags & ACKNOWLEDGED) acknowledged++
    if (flags & GAVE_UP) gaveUp++
    if (flags & ANSWERED) answered++
    if (flags & RECEIVED) delivered++
    else {
      if (flags & SENT) lost++
      if (flags & ACKNOWLEDGED) acknowledgedLost++
    }
  }
  const intended = fleet.length
  return {
    intended,
    sent,
    delivered,
    lost,
    notSent: intended - delivered - lost,
    acknowledgedLost,
    acknowledged,
    gaveUp,
    answered,
  }
}
