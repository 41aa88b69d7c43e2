/**
 * Who fires a workload's messages: the fleet for telemetry, the application for commands. It keeps the sending side of the
 * accounts and the series that belong to it.
 */
import type { Nanoseconds } from '../core/clock.ts'
import { NEVER } from '../core/clock.ts'
import { Histogram } from '../measure/histogram.ts'
import { ALL_DEVICES } from '../protocols/session.ts'
import type { Ledger } from './ledger.ts'
import { ACKNOWLEDGED, GAVE_UP, SENT } from './ledger.ts'
import type { Outbox, OutboxEvents } from './outbox.ts'
import type { Payload } from './payload.ts'
import type { Schedule } from './schedule.ts'

export class Sender implements OutboxEvents {
  schedule!: Schedule
  ledger!: Ledger
  readonly payload: Payload
  readonly acknowledges: boolean
  /** Nanoseconds; the names are those of the metrics. */
  readonly series = {
    schedule_delay: new Histogram(),
    blocked: new Histogram(),
    exchange: new Histogram(),
    ack: new Histogram(),
  }
  /** Why messages were given up -> how many. */
  readonly givenUp = new Map<string, number>()
  /**
   * Messages fired of which something is still expected: to be taken, or to be acknowledged or given up; and connections that
   * the workload asks for.
   */
  unsettled = 0
  readonly #settled: (now: Nanoseconds) => void

  /** @param settled is told after every message of which nothing more is expected */
  constructor(payload: Payload, acknowledges: boolean, settled: (now: Nanoseconds) => void) {
    this.payload = payload
    this.acknowledges = acknowledges
    this.#settled = settled
  }

  begin(schedule: Schedule, ledger: Ledger): void {
    this.schedule = schedule
    this.ledger = ledger
  }

  /** Messages given up. */
  get unreached(): number {
    let sum = 0
    for (const count of this.givenUp.values()) sum += count
    return sum
  }

  fired(due: Nanoseconds, now: Nanoseconds): void {
    this.unsettled++
    if (this.schedule.measured(due)) this.series.schedule_delay.record(now - due)
  }

  taken(index: number, sequence: number, since: Nanoseconds, now: Nanoseconds): void {
    for (let d = this.#first(index); d < this.#end(index); d++)
      if (this.ledger.mark(d, sequence, SENT)) this.series.blocked.record(now - since)
    if (!this.acknowledges) this.settle(now)
  }

  acknowledged(index: number, sequence: number, first: Nanoseconds, now: Nanoseconds): void {
    for (let d = this.#first(index); d < this.#end(index); d++) {
      if (!this.ledger.mark(d, sequence, ACKNOWLEDGED)) continue
      this.series.exchange.record(now - first)
      this.series.ack.record(now - this.schedule.intended(d, sequence))
    }
    this.settle(now)
  }

  gaveUp(index: number, sequence: number, reason: string, now: Nanoseconds): void {
    for (let d = this.#first(index); d < this.#end(index); d++)
      this.ledger.mark(d, sequence, GAVE_UP)
    this.givenUp.set(reason, (this.givenUp.get(reason) ?? 0) + 1)
    this.settle(now)
  }

  /** A broadcast is a message to each device. */
  #first(index: number): number {
    return index === ALL_DEVICES ? 0 : index
  }

  #end(index: number): number {
    return index === ALL_DEVICES ? this.ledger.devices : index + 1
  }

  /** Nothing more is expected of one of what was unsettled. */
  settle(now: Nanoseconds): void {
    this.unsettled--
    this.#settled(now)
  }
}

/** Puts the messages of one device into an outbox, each at its intended time. */
export class Departures {
  readonly #sender: Sender
  readonly #outbox: Outbox
  #next = 0
  /** When the next message is to be fired; NEVER before `begin` and after the last. */
  due: Nanoseconds = NEVER

  constructor(sender: Sender, outbox: Outbox) {
    this.#sender = sender
    this.#outbox = outbox
  }

  begin(): void {
    this.#plan()
  }

  end(): void {
    this.due = NEVER
  }

  /** Fires what is due; the outbox is to be pumped after it. */
  fire(now: Nanoseconds): void {
    while (this.due <= now) {
      this.#sender.fired(this.due, now)
      this.#outbox.put(this.#next++, now)
      this.#plan()
    }
  }

  #plan(): void {
    const { schedule } = this.#sender
    const due = schedule.intended(this.#outbox.index, this.#next)
    this.due = due < schedule.plan.t1 ? due : NEVER
  }
}
