/** The consumer: the backend application that devices report to. It listens; who speaks first is in application.ts. */
import type { Nanoseconds } from '../core/clock.ts'
import type { Cause } from '../core/layer.ts'
import type { Workload } from '../core/types.ts'
import type { ConsumerEvents } from '../protocols/session.ts'
import type { ConsumerEvent, ConsumerProgress, ConsumerReport } from './fleet-protocol.ts'
import { BulkInbox } from './bulk-inbox.ts'
import { Inbox } from './inbox.ts'
import { Ledger, RECEIVED } from './ledger.ts'
import type { PhasePlan } from './schedule.ts'
import type { BulkPlan } from './schedule-bulk.ts'
import { scheduleOf } from './schedule-of.ts'
import { wakesOf } from './wakes.ts'

export class Consumer implements ConsumerEvents {
  readonly #devices: number
  readonly #workload: Workload
  readonly #seed: number
  readonly #tell: (event: ConsumerEvent) => void
  readonly #inbox: Inbox
  #ledger: Ledger | null = null
  /** Null: there are no large messages. */
  readonly #bulk: BulkInbox | null
  #complete = false

  constructor(
    devices: number,
    workload: Workload,
    seed: number,
    tell: (event: ConsumerEvent) => void,
    bulk: BulkPlan | null = null,
  ) {
    this.#devices = devices
    this.#workload = workload
    this.#seed = seed
    this.#tell = tell
    this.#inbox = new Inbox(devices, RECEIVED)
    this.#bulk = bulk === null ? null : new BulkInbox(bulk, devices)
  }

  begin(plan: PhasePlan): void {
    const schedule = scheduleOf(this.#workload, plan, this.#seed)
    this.#ledger = new Ledger(schedule, this.#devices)
    this.#inbox.begin(
      schedule,
      this.#ledger,
      wakesOf(this.#workload, schedule, this.#seed, this.#devices),
    )
    this.#bulk?.begin(plan)
    this.#check()
  }

  consumerReady(): void {
    this.#tell({ event: 'ready' })
  }

  received(device: number, payload: Uint8Array, now: Nanoseconds): void {
    this.#inbox.take(device, payload, now)
    this.#check()
  }

  receivedLarge(device: number, payload: Uint8Array, now: Nanoseconds): void {
    this.#bulk?.take(device, payload, now)
    this.#check()
  }

  #check(): void {
    if (this.#complete || !this.#inbox.complete || this.#bulk?.complete === false) return
    this.#complete = true
    this.#tell({ event: 'complete' })
  }

  /** What is sent from now on can reach nobody: the cell has failed. */
  ended(cause: Cause): void {
    this.#tell(connectionLost(cause))
  }

  progress(now: Nanoseconds): ConsumerProgress {
    return { at: now, heard: this.#inbox.progress(), acknowledged: 0, givenUp: 0 }
  }

  report(): ConsumerReport {
    return {
      ledger: Buffer.from(this.#ledger?.bytes() ?? new Uint8Array()).toString('base64'),
      series: { latency: this.#inbox.latency.toJSON() },
      ...this.#inbox.receipts(),
      givenUp: {},
      ...(this.#bulk && { bulk: this.#bulk.report() }),
    }
  }
}

/** What ends a cell whose application has lost its server. */
export const connectionLost = (cause: Cause): ConsumerEvent => ({
  event: 'failed',
  code: 'TB_ROLE_FAILED',
  message: `its connection to the server ended (${cause.code}: ${cause.detail})`,
})
