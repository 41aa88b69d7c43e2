/** One stream of a client at the front end: what comes is cut into packets, and what the client does not take yet waits. */
import type { Nanoseconds } from '../../core/clock.ts'
import type { Cause, Lower, Upper } from '../../core/layer.ts'
import type { PacketHandler } from '../../protocols/mqtt/reader.ts'
import { PacketReader } from '../../protocols/mqtt/reader.ts'
import { LARGEST_VARIABLE } from '../../protocols/mqtt/variable-integer.ts'
import { Violation } from '../../protocols/mqtt/violation.ts'
import type { QuicStream } from '../../transports/quic-stream.ts'
import type { Sink } from './run.ts'

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
  /** More waits for the client than it may. */
  overloaded(now: Nanoseconds): void
}

/** What may wait for a client that takes nothing, bytes. */
export const MOST_WAITING = 1 << 20
/** All that MQTT knows: the broker has limits of its own, and says more about them. */
const LARGEST_PACKET = LARGEST_VARIABLE + 5

export class ClientStream implements Upper, PacketHandler, Sink {
  below!: Lower
  openedAt: Nanoseconds = Number.NaN
  over = false
  readonly stream: QuicStream
  readonly #events: ClientEvents
  readonly #reader = new PacketReader(LARGEST_PACKET)
  #waiting: Uint8Array[] = []
  #waitingBytes = 0

  constructor(stream: QuicStream, events: ClientEvents) {
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
    if (this.#waiting.length === 0 && this.stream.fromAbove(bytes, now)) return
    this.#waiting.push(new Uint8Array(bytes))
    this.#waitingBytes += bytes.length
    if (this.#waitingBytes > MOST_WAITING) this.#events.overloaded(now)
  }

  ready(now: Nanoseconds): void {
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      if (!this.stream.fromAbove(next, now)) return
      this.#waiting.shift()
      this.#waitingBytes -= next.length
    }
  }

  closed(_cause: Cause, now: Nanoseconds): void {
    this.over = true
    this.#events.clientEnded(this, now)
  }
}
