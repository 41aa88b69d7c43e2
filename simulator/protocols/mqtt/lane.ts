/**
 * A data stream of a session beside its control stream, as EMQX 5 has them on QUIC: PUBLISH of one topic, and what answers it.
 * CONNECT, PINGREQ and DISCONNECT stay on the control stream.
 */
import type { Nanoseconds } from '../../core/clock.ts'
import type { Lower, Upper } from '../../core/layer.ts'
import { Outlet } from './outlet.ts'
import { checkFlags } from './packet.ts'
import type { PacketHandler } from './reader.ts'
import { PacketReader } from './reader.ts'
import { Replies } from './replies.ts'

export interface LaneEvents {
  readonly over: boolean
  /** Reading threw: the connection is over where it is the server's fault. */
  violated(error: unknown, now: Nanoseconds): void
  /** What answers a packet goes into `replies`. Throws a Violation. */
  answered(
    first: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    replies: Replies,
    now: Nanoseconds,
  ): void
  /** A packet can begin on the lane now. */
  laneReady(now: Nanoseconds): void
}

export class Lane implements Upper, PacketHandler {
  openedAt: Nanoseconds = NaN
  readonly outlet = new Outlet()
  readonly #events: LaneEvents
  readonly #reader: PacketReader
  readonly #replies = new Replies()

  constructor(events: LaneEvents, largestPacket: number) {
    this.#events = events
    this.#reader = new PacketReader(largestPacket)
  }

  get below(): Lower {
    return this.outlet.below
  }
  set below(lower: Lower) {
    this.outlet.below = lower
  }

  get over(): boolean {
    return this.#events.over
  }

  open(now: Nanoseconds): void {
    this.openedAt = now
  }

  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    if (this.over) return
    try {
      this.#reader.read(bytes, now, this)
    } catch (error) {
      this.#events.violated(error, now)
    }
    const answers = this.#replies.take()
    if (answers !== null && !this.over) this.outlet.control(answers, now)
  }

  packet(first: number, bytes: Uint8Array, start: number, end: number, now: Nanoseconds): void {
    checkFlags(first)
    this.#events.answered(first, bytes, start, end, this.#replies, now)
  }

  ready(now: Nanoseconds): void {
    if (!this.over && this.outlet.ready(now)) this.#events.laneReady(now)
  }

  /** The connection tells the session itself. */
  closed(): void {}
}
