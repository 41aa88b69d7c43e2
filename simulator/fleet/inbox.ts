/**
 * Who receives a workload's messages: the consumer for telemetry, the fleet for commands. Latency is the receipt, stamped
 * before parsing, minus the intended time, which is computed from device and message number.
 */
import type { Nanoseconds } from '../core/clock.ts'
import { Histogram } from '../measure/histogram.ts'
import { Intervals } from '../measure/intervals.ts'
import { Gaps } from './gaps.ts'
import type { ReceiptProgress, Receipts } from './fleet-protocol.ts'
import type { Ledger } from './ledger.ts'
import { sequenceOf } from './payload.ts'
import type { Schedule } from './schedule.ts'
import type { Wakes } from './wakes.ts'

export class Inbox {
  readonly latency = new Histogram()
  /** Messages that arrived, those of warm-up too. */
  received = 0
  /** Measured messages that arrived. */
  delivered = 0
  readonly #devices: number
  /** What is marked in the ledger. */
  readonly #flag: number
  /** Highest message number seen per device. */
  readonly #highest: Int32Array
  #schedule: Schedule | null = null
  #ledger!: Ledger
  #intervals!: Intervals
  #wakes: Wakes | null = null
  #gaps!: Gaps
  #duplicates = 0
  #reordered = 0
  #unknown = 0

  constructor(devices: number, flag: number) {
    this.#devices = devices
    this.#flag = flag
    this.#highest = new Int32Array(devices).fill(-1)
  }

  /** @param wakes null where devices do not sleep */
  begin(schedule: Schedule, ledger: Ledger, wakes: Wakes | null): void {
    this.#schedule = schedule
    this.#wakes = wakes
    this.#ledger = ledger
    this.#intervals = new Intervals(schedule.plan.warmup)
    this.#gaps = new Gaps(schedule.plan, this.#devices)
  }

  /** Every measured message arrived. */
  get complete(): boolean {
    return this.#schedule !== null && this.delivered === this.#ledger.intended
  }

  /** The number of the message; -1 when it is a second copy, or no message of this cell. */
  take(device: number, payload: Uint8Array, now: Nanoseconds): number {
    const sequence = sequenceOf(payload)
    const schedule = this.#schedule
    if (schedule === null || device < 0 || device >= this.#devices) return this.#reject()
    if (sequence < 0 || sequence >= this.#ledger.end(device)) return this.#reject()
    this.#wakes?.received(device, sequence, now)
    const measured = this.#ledger.measures(device, sequence)
    if (measured && !this.#ledger.mark(device, sequence, this.#flag)) {
      this.#duplicates++
      return -1
    }
    if (sequence < (this.#highest[device] as number)) {
      if (measured) this.#reordered++
    } else this.#highest[device] = sequence
    this.received++
    const latency = now - schedule.intended(device, sequence)
    this.#intervals.record(latency, now)
    if (measured) {
      this.latency.record(latency)
      this.#gaps.received(device, now)
      this.delivered++
    }
    return sequence
  }

  #reject(): -1 {
    this.#unknown++
    return -1
  }

  progress(): ReceiptProgress {
    const { received, delivered, latency } = this
    return { received, delivered, latencyP99: latency.quantile(0.99) }
  }

  receipts(): Receipts {
    return {
      duplicates: this.#duplicates,
      reordered: this.#reordered,
      unknown: this.#unknown,
      wakes: this.#wakes?.report() ?? null,
      longestGaps: this.#schedule === null ? null : this.#gaps.report().toJSON(),
      seconds: this.#schedule === null ? [] : this.#intervals.rows(),
    }
  }
}
