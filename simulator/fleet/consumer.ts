/**
 * The consumer: the backend application that devices report to. Latency is the receipt here, stamped before parsing,
 * minus the intended time, which is computed from device and message number.
 */
import type { Nanoseconds } from '../core/clock.ts'
import type { Cause } from '../core/layer.ts'
import type { Workload } from '../core/types.ts'
import { absencesOf, messageInterval } from '../core/workload.ts'
import { Histogram } from '../measure/histogram.ts'
import { Intervals } from '../measure/intervals.ts'
import type { ConsumerEvents } from '../protocols/session.ts'
import { AbsencePlan } from './absence-plan.ts'
import type { ConsumerEvent, ConsumerProgress, ConsumerReport } from './fleet-protocol.ts'
import { Ledger, RECEIVED } from './ledger.ts'
import { sequenceOf } from './payload.ts'
import type { PhasePlan } from './schedule.ts'
import { Schedule } from './schedule.ts'
import { Wakes } from './wakes.ts'

export class Consumer implements ConsumerEvents {
  readonly #devices: number
  readonly #workload: Workload
  readonly #seed: number
  readonly #tell: (event: ConsumerEvent) => void
  readonly #latency = new Histogram()
  #schedule: Schedule | null = null
  #ledger: Ledger | null = null
  #intervals: Intervals | null = null
  #wakes: Wakes | null = null
  /** Highest message number seen per device. */
  readonly #highest: Int32Array
  #received = 0
  #delivered = 0
  #duplicates = 0
  #reordered = 0
  #unknown = 0

  constructor(
    devices: number,
    workload: Workload,
    seed: number,
    tell: (event: ConsumerEvent) => void,
  ) {
    this.#devices = devices
    this.#workload = workload
    this.#seed = seed
    this.#tell = tell
    this.#highest = new Int32Array(devices).fill(-1)
  }

  begin(plan: PhasePlan): void {
    const schedule = new Schedule(plan, messageInterval(this.#workload), this.#seed)
    this.#schedule = schedule
    this.#ledger = new Ledger(schedule, this.#devices)
    this.#intervals = new Intervals(plan.warmup)
    const absences = absencesOf(this.#workload)
    if (absences?.kind === 'sleep')
      this.#wakes = new Wakes(new AbsencePlan(plan, absences, this.#seed), schedule, this.#devices)
    if (this.#ledger.intended === 0) this.#tell({ event: 'complete' })
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
    this.#wakes?.received(device, sequence, now)
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
      wakes: this.#wakes?.report() ?? null,
      series: { latency: this.#latency.toJSON() },
      duplicates: this.#duplicates,
      reordered: this.#reordered,
      unknown: this.#unknown,
      seconds: this.#intervals?.rows() ?? [],
    }
  }
}
