/** One stream of a client at the front end: what comes is cut into packets, and what the client does not take yet waits. */
import type { Nanoseconds } from '../../core/clock.ts'
import type { Cause, Lower, Upper } from '../../core/layer.ts'
import type { PacketHandler } from '../../protocols/mqtt/reader.ts'
import { PacketReader } from '../../protocols/mqtt/reader.ts'
import { LARGEST_VARIABLE } from '../../protocols/mqtt/variable-integer.ts'
import { Violation } from '../../protocols/mqtt/violation.ts'
import type { Sink } from './run.ts'
import { Waiting } from './waiting.ts'

/** A stream of QUIC, or the one stream of another connection. */
export interface FrontStream {
  readonly id: number
  fromAbove(bytes: Uint8Array, now: Nanoseconds): boolean
  pause(): void
  resume(now: Nanoseconds): void
}

export interface ClientEvents {
  /** One packet: its first byte, and variable header and payload from `start` to `end`. Throws a Violation. */
  fromClient(
    stream: ClientStream,
    first: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    now: Nanoseconds,
  ): void
  /** All packets that the bytes completed have been told. */
  clientPaused(stream: ClientStream, now: Nanoseconds): void
  /** The stream ended, and not by us. */
  clientEnded(stream: ClientStream, now: Nanoseconds): void
  violated(now: Nanoseconds): void
  /** More waits for the client, or from it, than may. */
  overloaded(now: Nanoseconds): void
}

/** All that MQTT knows: the broker has limits of its own, and says more about them. */
const LARGEST_PACKET = LARGEST_VARIABLE + 5

export class ClientStream implements Upper, PacketHandler, Sink {
  below!: Lower
  openedAt: Nanoseconds = Number.NaN
  over = false
  readonly stream: FrontStream
  readonly #events: ClientEvents
  readonly #reader = new PacketReader(LARGEST_PACKET)
  readonly #waiting = new Waiting()

  constructor(stream: FrontStream, events: ClientEvents) {
    this.stream = stream
    this.#events = events
  }

  open(now: Nanoseconds): void {
    this.openedAt = now
  }

  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    try {
      this.#reader.read(bytes, now, this)
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      this.over = true
      this.#events.violated(now)
      return
    }
    this.#events.clientPaused(this, now)
  }

  packet(first: number, bytes: Uint8Array, start: number, end: number, now: Nanoseconds): void {
    this.#events.fromClient(this, first, bytes, start, end, now)
  }

  send(bytes: Uint8Array, now: Nanoseconds): void {
    if (this.over) return
    this.#waiting.send(this.stream, bytes, now)
    if (this.#waiting.tooMuch) this.#events.overloaded(now)
  }

  ready(now: Nanoseconds): void {
    this.#waiting.drain(this.stream, now)
  }

  closed(_cause: Cause, now: Nanoseconds): void {
    this.over = true
    this.#events.clientEnded(this, now)
  }
}
