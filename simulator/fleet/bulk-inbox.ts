/** Large messages where they arrive: each counts when all of it is there. */
import type { Nanoseconds } from '../core/clock.ts'
import { Histogram } from '../measure/histogram.ts'
import type { BulkReceipts } from './fleet-protocol.ts'
import { Inbox } from './inbox.ts'
import { Ledger, RECEIVED } from './ledger.ts'
import type { BulkPlan } from './schedule-bulk.ts'
import { BulkSchedule } from './schedule-bulk.ts'
import type { PhasePlan } from './schedule.ts'

export class BulkInbox {
  readonly #wanted: BulkPlan
  readonly #devices: number
  readonly #inbox: Inbox
  #schedule: BulkSchedule | null = null
  #ledger: Ledger | null = null
  /** Parts that have not come, of each large message of each device. */
  #missing = new Int32Array(0)
  /** From the intended instant until all of it was there. */
  readonly #duration = new Histogram()
  #bytes = 0

  constructor(wanted: BulkPlan, devices: number) {
    this.#wanted = wanted
    this.#devices = devices
    this.#inbox = new Inbox(devices, RECEIVED)
  }

  begin(plan: PhasePlan): void {
    const schedule = new BulkSchedule(plan, this.#wanted)
    this.#schedule = schedule
    this.#ledger = new Ledger(schedule, this.#devices)
    this.#inbox.begin(schedule, this.#ledger, null)
    this.#missing = new Int32Array(this.#devices * schedule.count).fill(this.#wanted.parts)
  }

  /** Every one has arrived. */
  get complete(): boolean {
    return this.#inbox.complete
  }

  take(device: number, payload: Uint8Array, now: Nanoseconds): void {
    const sequence = this.#inbox.take(device, payload, now)
    const schedule = this.#schedule
    if (sequence < 0 || schedule === null) return
    this.#bytes += payload.length
    const at = device * schedule.count + Math.floor(sequence / this.#wanted.parts)
    this.#missing[at] = (this.#missing[at] as number) - 1
    if (this.#missing[at] === 0) this.#duration.record(now - schedule.intended(device, sequence))
  }

  report(): BulkReceipts {
    return {
      ledger: Buffer.from(this.#ledger?.bytes() ?? new Uint8Array()).toString('base64'),
      duration: this.#duration.toJSON(),
      bytes: this.#bytes,
    }
  }
}
