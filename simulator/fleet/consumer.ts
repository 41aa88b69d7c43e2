/**
 * The consumer: the backend application that devices report to. Latency is the receipt here, stamped before parsing,
 * minus the intended time, which is computed from device and message number.
 */
import type { Nanoseconds } from '../core/clock.ts'
import type { Cause } from '../core/layer.ts'
import { Histogram } from '../measure/histogram.ts'
import { Intervals } from '../measure/intervals.ts'
import type { ConsumerEvents } from '../protocols/session.ts'
import type { ConsumerEvent, ConsumerProgress, ConsumerReport } from './fleet-protocol.ts'
import { Ledger, RECEIVED } from './ledger.ts'
import { sequenceOf } from './payload.ts'
import type { PhasePlan } from './schedule.ts'
import { Schedule } from './schedule.ts'

export class Consumer implements ConsumerEvents {
  readonly #devices: number
  readonly #interval: Nanoseconds
  readonly #seed: number
  readonly #tell: (event: ConsumerEvent) => void
  readonly #latency = new Histogram()
  #schedule: Schedule | null = null
  #ledger: Ledger | null = null
  #intervals: Intervals | null = null
  /** Highest message number seen per device. */
  readonly #highest: Int32Array
  #received = 0
  #delivered = 0
  #duplicates = 0
  #reordered = 0
  #unknown = 0

  constructor(
    devices: number,
    interval: Nanoseconds,
    seed: number,
    tell: (event: ConsumerEvent) => void,
  ) {
    this.#devices = devices
    this.#interval = interval
    this.#seed = seed
    this.#tell = tell
    this.#highest = new Int32Array(devices).fill(-1)
  }

  begin(plan: PhasePlan): void {
    this.#schedule = new Schedule(plan, this.#interval, this.#seed)
    this.#ledger = new Ledger(this.#schedule, this.#devices)
    this.#intervals = new Intervals(plan.warmup)
  }

  consumerReady(): void {
    this.#tell({ event: 'ready' })
  }

  received(device: number, payload: Uint8Array, now: Nanoseconds): void {
    const sequence = sequenceOf(payload)
    const schedule = this.#schedule
    if (schedule === null || sequence < 0 || device < 0 || device >= this.#devices) {
      this.#unknown++
      return
    }
    const ledger = this.#ledger as Ledger
    const measured = ledger.measures(device, sequence)
    if (measured && !ledger.mark(device, sequence, RECEIVED)) {
      this.#duplicates++
      return
    }
    if (sequence < (this.#highest[device] as number)) {
      if (measured) this.#reordered++
    } else this.#highest[device] = sequence
    this.#received++
    const latency = now - schedule.intended(device, sequence)
    this.#intervals?.record(latency, now)
    if (!measured) return
    this.#latency.record(latency)
    if (++this.#delivered === ledger.intended) this.#tell({ event: 'complete' })
  }

  /** What is sent from now on can reach nobody: the cell has failed. */
  ended(cause: Cause): void {
    const message = `its connection to the server ended (${cause.code}: ${cause.detail})`
    this.#tell({ event: 'failed', code: 'TB_ROLE_FAILED', message })
  }

  progress(now: Nanoseconds): ConsumerProgress {
    return {
      at: now,
      received: this.#received,
      delivered: this.#delivered,
      latencyP99: this.#latency.quantile(0.99),
    }
  }

  report(): ConsumerReport {
    return {
      ledger: Buffer.from(this.#ledger?.bytes() ?? new Uint8Array()).toString('base64'),
      series: { latency: this.#latency.toJSON() },
      duplicates: this.#duplicates,
      reordered: this.#reordered,
      unknown: this.#unknown,
      seconds: this.#intervals?.rows() ?? [],
    }
  }
}
