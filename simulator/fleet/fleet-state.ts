/** What a device sees of its fleet: where to record, and who opens connections. */
import type { Nanoseconds } from '../core/clock.ts'
import type { Cause } from '../core/layer.ts'
import type { Device } from './device.ts'
import type { OutboxEvents } from './outbox.ts'
import type { Pile } from './pile.ts'
import type { Sender } from './sender.ts'

export interface FleetState {
  /** Where what devices send is recorded. */
  readonly sender: Sender
  /** Where the large messages are recorded that devices send on the same session; null: there are none. */
  readonly large: Sender | null
  /** The devices here are second connections: what they send are large messages. */
  readonly second: boolean
  /** Whether devices send what the workload asks for; otherwise they hear it. */
  readonly speaks: boolean
  /** Where their answers to commands are told; null where devices answer nothing. */
  readonly answering: OutboxEvents | null
  /** Opens a connection for the device: `now` is the instant of its first packet. */
  open(device: Device, now: Nanoseconds): Pile
  /** The instants of one connect: started, transport ready, security ready, application ready. True: a planned one that is measured. */
  deviceReady(
    device: Device,
    started: Nanoseconds,
    transport: Nanoseconds,
    security: Nanoseconds,
    application: Nanoseconds,
  ): boolean
  /** The first message that waited for a measured connection was acknowledged, so long after the connection's first packet. */
  firstAcknowledged(time: Nanoseconds): void
  deviceEnded(cause: Cause, wasReady: boolean): void
  /** The application spoke to the device. The number of the message; -1 when it is a second copy, or no message of this cell. */
  arrived(device: number, payload: Uint8Array, now: Nanoseconds): number
  /** The device closed its connection, as planned. */
  deviceLeft(): void
  /** The instant of an absence has come, `now` or a little ago; the connection after it is intended at `back`. */
  connectDue(back: Nanoseconds, at: Nanoseconds, now: Nanoseconds): void
  /** The connection that was intended at `back` is not made. */
  connectLeftOut(back: Nanoseconds, now: Nanoseconds): void
  /** The device is to be connected as soon as a connect slot is free. */
  wantsConnect(device: Device, intended: Nanoseconds): void
}
