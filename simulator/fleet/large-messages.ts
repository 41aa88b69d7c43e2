/** The large messages of one device, on the session that carries its others too. */
import type { Nanoseconds } from '../core/clock.ts'
import type { DeviceSession } from '../protocols/session.ts'
import { Outbox } from './outbox.ts'
import type { Sender } from './sender.ts'
import { Departures } from './sender.ts'

/** For the session, their numbers come behind those of all other messages. */
export const FIRST_LARGE = 2 ** 31

export class LargeMessages {
  readonly outbox: Outbox
  readonly departures: Departures

  constructor(index: number, sender: Sender) {
    this.outbox = new Outbox(index, sender)
    this.departures = new Departures(sender, this.outbox)
  }

  open(session: Pick<DeviceSession, 'transfer'>, now: Nanoseconds): void {
    this.outbox.open(
      (sequence, payload, at) => session.transfer?.(FIRST_LARGE + sequence, payload, at) ?? false,
      now,
    )
  }

  end(): void {
    this.departures.end()
    this.outbox.shut()
  }
}
