/** What a device sees of its fleet: shared buffers, the schedule, where to record. */
import type { Nanoseconds } from '../core/clock.ts'
import type { Cause } from '../core/layer.ts'
import type { Histogram } from '../measure/histogram.ts'
import type { Device } from './device.ts'
import type { Ledger } from './ledger.ts'
import type { Payload } from './payload.ts'
import type { Pile } from './pile.ts'
import type { Schedule } from './schedule.ts'

/** The series that devices record, in nanoseconds; the names are those of the metrics. */
export interface FleetSeries {
  readonly schedule_delay: Histogram
  readonly blocked: Histogram
  readonly exchange: Histogram
  readonly ack: Histogram
}

export interface FleetState {
  readonly schedule: Schedule
  readonly ledger: Ledger
  readonly payload: Payload
  readonly series: FleetSeries
  /** Whether the stack acknowledges messages at this reliability. */
  readonly acknowledges: boolean
  /** Opens a connection for the device: `now` is the instant of its first packet. */
  open(device: Device, now: Nanoseconds): Pile
  /** The instants of one connect: started, transport ready, security ready, application ready. */
  deviceReady(
    device: Device,
    started: Nanoseconds,
    transport: Nanoseconds,
    security: Nanoseconds,
    application: Nanoseconds,
  ): void
  deviceEnded(cause: Cause, wasReady: boolean): void
  /** The device closed its connection, as planned. */
  deviceLeft(): void
  /** The instant of an absence has come, `now` or a little ago; the connection after it is intended at `back`. */
  connectDue(back: Nanoseconds, at: Nanoseconds, now: Nanoseconds): void
  /** The connection that was intended at `back` is not made. */
  connectLeftOut(back: Nanoseconds, now: Nanoseconds): void
  /** The device is to be connected as soon as a connect slot is free. */
  wantsConnect(device: Device, intended: Nanoseconds): void
  /** A message was fired. */
  fired(): void
  /** A message was acknowledged, given up, or (best effort) taken: nothing more is expected of it. */
  settled(now: Nanoseconds): void
  gaveUp(reason: string): void
}
