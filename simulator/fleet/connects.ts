/**
 * The connections that devices are to make: the first of each, spread over the ramp, and those that their absences ask for. Who
 * starts when the number of connects in flight allows it, and what connecting took.
 */
import type { Nanoseconds } from '../core/clock.ts'
import { NEVER } from '../core/clock.ts'
import { encodeDoubles } from '../core/doubles.ts'
import type { Reactor } from '../io/reactor.ts'
import { Histogram } from '../measure/histogram.ts'
import type { AbsencePlan } from './absence-plan.ts'
import type { Device } from './device.ts'
import type { PlannedConnects } from './fleet-protocol.ts'

const connectSeries = () => ({
  'connect.wait': new Histogram(),
  'connect.transport': new Histogram(),
  'connect.security': new Histogram(),
  'connect.application': new Histogram(),
  'connect.acknowledged': new Histogram(),
})

export class Connects {
  /** Of the devices' first connections; where devices come and go, of the measured ones. */
  series = connectSeries()
  readonly #devices: readonly Device[]
  readonly #reactor: Pick<Reactor, 'now' | 'arm'>
  readonly #limit: number
  #rampAt: Nanoseconds = NEVER
  #ramp: Nanoseconds = 0
  /** The next device of the ramp. */
  #next = 0
  /** Connections that are being made. */
  #inFlight = 0
  #plan: AbsencePlan | null = null
  /** Per device, when the connection that it is making was intended; NaN: it is not planned. */
  readonly #intended: Float64Array
  /** Who waits for a connect slot, in order. */
  #waiting: Device[] = []
  #started = 0
  /** Device, started, application ready, of each measured connection. */
  readonly #spans: number[] = []

  constructor(devices: readonly Device[], limit: number, reactor: Pick<Reactor, 'now' | 'arm'>) {
    this.#devices = devices
    this.#limit = limit
    this.#reactor = reactor
    this.#intended = new Float64Array(devices.length).fill(NaN)
  }

  /** Device i starts at `at` + i x ramp / devices, later when too many connects are in flight. */
  ramp(at: Nanoseconds, ramp: Nanoseconds): void {
    this.#rampAt = at
    this.#ramp = ramp
  }

  endRamp(): void {
    this.#next = this.#devices.length
  }

  begin(plan: AbsencePlan): void {
    this.#plan = plan
    this.series = connectSeries()
  }

  /** Nobody starts any more. */
  close(): void {
    this.endRamp()
    this.#waiting = []
  }

  deadline(): Nanoseconds {
    if (this.#inFlight >= this.#limit) return NEVER
    return this.#waiting.length > 0 ? 0 : this.#rampDue()
  }

  start(now: Nanoseconds): void {
    while (this.#inFlight < this.#limit && this.#rampDue() <= now) {
      const due = this.#rampDue()
      this.#begin(this.#devices[this.#next++] as Device, due)
    }
    let taken = 0
    while (this.#inFlight < this.#limit && taken < this.#waiting.length) {
      const device = this.#waiting[taken++] as Device
      this.#begin(device, this.#intended[device.index] as Nanoseconds)
    }
    if (taken > 0) this.#waiting = this.#waiting.slice(taken)
  }

  /** The device waits for a connect slot. */
  wanted(device: Device, intended: Nanoseconds): void {
    this.#intended[device.index] = intended
    this.#waiting.push(device)
  }

  /** A connection is being made: one that a device makes after a failure waits for no slot. */
  opened(): void {
    this.#inFlight++
  }

  /** A connection is not being made any more. */
  settled(): void {
    this.#inFlight--
  }

  /** Records a connection that stands. True: it was a measured one. */
  ready(
    { index }: Device,
    started: Nanoseconds,
    transport: Nanoseconds,
    security: Nanoseconds,
    application: Nanoseconds,
  ): boolean {
    const measured = this.#plan !== null && this.#plan.measured(this.#intended[index] as number)
    this.#intended[index] = NaN
    if (this.#plan !== null && !measured) return false
    this.series['connect.transport'].record(transport - started)
    this.series['connect.security'].record(security - started)
    this.series['connect.application'].record(application - started)
    if (measured) this.#spans.push(index, started, application)
    return measured
  }

  /** Null where devices stay. */
  report(): PlannedConnects | null {
    if (this.#plan === null) return null
    return {
      intended: this.#plan.intended(this.#devices.length),
      started: this.#started,
      completed: this.#spans.length / 3,
      spans: encodeDoubles(Float64Array.from(this.#spans)),
    }
  }

  #rampDue(): Nanoseconds {
    return this.#next < this.#devices.length
      ? this.#rampAt + (this.#next * this.#ramp) / this.#devices.length
      : NEVER
  }

  #begin(device: Device, due: Nanoseconds): void {
    const started = this.#reactor.now()
    const measured = this.#plan?.measured(due) ?? true
    if (measured) this.series['connect.wait'].record(Math.max(0, started - due))
    if (measured && this.#plan !== null) this.#started++
    device.connect(started)
    this.#reactor.arm(device)
  }
}
