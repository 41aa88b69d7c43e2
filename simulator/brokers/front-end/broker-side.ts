/** The front end's connection to the broker for one client. */
import type { Nanoseconds } from '../../core/clock.ts'
import { NEVER } from '../../core/clock.ts'
import type { Cause, Lower, Upper } from '../../core/layer.ts'
import type { Timer } from '../../io/reactor.ts'
import type { PacketHandler } from '../../protocols/mqtt/reader.ts'
import { PacketReader } from '../../protocols/mqtt/reader.ts'
import { LARGEST_VARIABLE } from '../../protocols/mqtt/variable-integer.ts'
import { Violation } from '../../protocols/mqtt/violation.ts'
import type { Sink } from './run.ts'
import { Waiting } from './waiting.ts'

export interface BrokerEvents {
  fromBroker(first: number, bytes: Uint8Array, start: number, end: number, now: Nanoseconds): void
  /** All packets that the bytes completed have been told. */
  brokerPaused(now: Nanoseconds): void
  /** `takes` has become true. */
  brokerReady(now: Nanoseconds): void
  /** More waits for the broker than may. */
  overloaded(now: Nanoseconds): void
  /** The broker closed the connection, could not be reached, or does not speak MQTT. */
  brokerEnded(now: Nanoseconds): void
}

const LARGEST_PACKET = LARGEST_VARIABLE + 5

export class BrokerSide implements Upper, Timer, PacketHandler, Sink {
  below!: Lower
  openedAt: Nanoseconds = Number.NaN
  /** Of the reactor; there are no deadlines. */
  timerSlot = -1
  over = false
  /** Something was sent. */
  begun = false
  readonly #events: BrokerEvents
  readonly #reader = new PacketReader(LARGEST_PACKET)
  /** What came before the socket was open, or what it refused. */
  readonly #waiting = new Waiting()
  #open = false

  constructor(events: BrokerEvents) {
    this.#events = events
  }

  /** Clients' bytes are welcome. */
  get takes(): boolean {
    return this.#open && this.#waiting.isEmpty
  }

  open(now: Nanoseconds): void {
    this.openedAt = now
    this.#open = true
    this.ready(now)
  }

  fromBelow(bytes: Uint8Array, now: Nanoseconds): void {
    try {
      this.#reader.read(bytes, now, this)
    } catch (error) {
      if (!(error instanceof Violation)) throw error
      this.close(now)
      this.#events.brokerEnded(now)
      return
    }
    this.#events.brokerPaused(now)
  }

  packet(first: number, bytes: Uint8Array, start: number, end: number, now: Nanoseconds): void {
    this.#events.fromBroker(first, bytes, start, end, now)
  }

  send(bytes: Uint8Array, now: Nanoseconds): void {
    if (this.over) return
    this.begun = true
    this.#waiting.send(this.below, bytes, now)
    if (this.#waiting.tooMuch) this.#events.overloaded(now)
  }

  ready(now: Nanoseconds): void {
    if (this.#waiting.drain(this.below, now)) this.#events.brokerReady(now)
  }

  closed(_cause: Cause, now: Nanoseconds): void {
    if (this.over) return
    this.over = true
    this.#events.brokerEnded(now)
  }

  close(now: Nanoseconds): void {
    if (this.over) return
    this.over = true
    this.below.close(now)
  }

  deadline(): Nanoseconds {
    return NEVER
  }

  expire(): void {}
}
