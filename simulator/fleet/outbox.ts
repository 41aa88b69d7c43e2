/**
 * The messages of one sender on their way to a session, oldest first. What waits while there is no session, or while the
 * session is blocked, keeps its intended time; what a lost session left unacknowledged is sent again first.
 */
import type { Nanoseconds } from '../core/clock.ts'
import type { Payload } from './payload.ts'
import { Window } from './window.ts'

/** Where outboxes tell what becomes of their messages; `index` is whose they are. */
export interface OutboxEvents {
  readonly payload: Payload
  /** Whether the stack acknowledges messages at this reliability. */
  readonly acknowledges: boolean
  /** A session took the message, for the first time; it had waited since `since`. */
  taken(index: number, sequence: number, since: Nanoseconds, now: Nanoseconds): void
  /** The stack acknowledged the message, whose first transmission was at `first`. */
  acknowledged(index: number, sequence: number, first: Nanoseconds, now: Nanoseconds): void
  gaveUp(index: number, sequence: number, reason: string, now: Nanoseconds): void
}

/** For messages that are no part of the accounts: answers, which whoever asked accounts for. */
export const unrecorded = (payload: Payload, acknowledges: boolean): OutboxEvents => ({
  payload,
  acknowledges,
  taken() {},
  acknowledged() {},
  gaveUp() {},
})

/** Hands a message to the session; false: blocked. */
export type Hand = (sequence: number, payload: Uint8Array, now: Nanoseconds) => boolean

export class Outbox {
  readonly index: number
  readonly #events: OutboxEvents
  /** What no session took yet, and since when it waits. */
  readonly #waiting: number[] = []
  readonly #since: Nanoseconds[] = []
  readonly #unacknowledged = new Window()
  /** What a lost session left unacknowledged. */
  #again: number[] = []
  #hand: Hand | null = null
  #pumping = false

  constructor(index: number, events: OutboxEvents) {
    this.index = index
    this.#events = events
  }

  /** Nothing waits, and nothing is unacknowledged. */
  get settled(): boolean {
    return this.#waiting.length === 0 && this.#unacknowledged.size === 0
  }

  put(sequence: number, now: Nanoseconds): void {
    this.#waiting.push(sequence)
    this.#since.push(now)
  }

  /** A session takes messages. */
  get isOpen(): boolean {
    return this.#hand !== null
  }

  /** A session is ready to take messages. */
  open(hand: Hand, now: Nanoseconds): void {
    this.#hand = hand
    this.#again = this.#unacknowledged.sequences()
    this.pump(now)
  }

  /** The session is gone. */
  shut(): void {
    this.#hand = null
  }

  /** Hands the session what it takes. True: nothing is left to hand over. */
  pump(now: Nanoseconds): boolean {
    const hand = this.#hand
    // A session may call `unblocked` from inside `send`: the loop that is running goes on anyway.
    if (hand === null || this.#pumping) return false
    this.#pumping = true
    let took = true
    // The session may end from inside the call.
    while (took && this.#hand === hand) took = this.#handOne(hand, now)
    this.#pumping = false
    return this.#waiting.length === 0 && this.#again.length === 0
  }

  transmitted(sequence: number, now: Nanoseconds): void {
    if (this.#events.acknowledges) this.#unacknowledged.put(sequence, now)
  }

  acknowledged(sequence: number, now: Nanoseconds): void {
    const first = this.#unacknowledged.take(sequence)
    if (!Number.isNaN(first)) this.#events.acknowledged(this.index, sequence, first, now)
  }

  gaveUp(sequence: number, reason: string, now: Nanoseconds): void {
    if (!Number.isNaN(this.#unacknowledged.take(sequence)))
      this.#events.gaveUp(this.index, sequence, reason, now)
  }

  #handOne(hand: Hand, now: Nanoseconds): boolean {
    const { payload } = this.#events
    const repeated = this.#again[0]
    if (repeated !== undefined) {
      // The server may answer what an earlier session sent before this one sends it again.
      if (!this.#unacknowledged.has(repeated)) {
        this.#again.shift()
        return true
      }
      if (!hand(repeated, payload.with(repeated), now)) return false
      this.#again.shift()
      return true
    }
    const sequence = this.#waiting[0]
    if (sequence === undefined || !hand(sequence, payload.with(sequence), now)) return false
    this.#waiting.shift()
    const since = this.#since.shift() as Nanoseconds
    this.#events.taken(this.index, sequence, since, now)
    return true
  }
}
