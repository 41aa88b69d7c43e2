/**
 * The message IDs of one sender towards one peer: consecutive from a seeded start, and none used again while a message
 * that carried it may still be under way (RFC 7252 section 4.4).
 */
import type { Nanoseconds } from '../../core/clock.ts'

const BLOCKS = 16
const PER_BLOCK = 65536 / BLOCKS

export class MessageIds {
  /**
   * When all IDs of a block are free again. Remembering blocks of 4 096 instead of every ID costs 128 bytes, and 1/16 of the highest
   * rate that the lifetime allows (65 536 per 247 s: 265 CONs per second).
   */
  readonly #freeAt: number[] = Array.from({ length: BLOCKS }, () => -Infinity)
  #next: number

  constructor(start: number) {
    this.#next = start & 0xffff
  }

  /** When `take` is allowed: -Infinity or an instant of the past for at once. */
  availableAt(): Nanoseconds {
    // Inside a block, the IDs ahead are of the last round, which ended before this block was entered.
    return this.#next % PER_BLOCK === 0 ? this.#block() : -Infinity
  }

  /** The next ID, in use for `lifetime` from now on. */
  take(now: Nanoseconds, lifetime: Nanoseconds): number {
    const id = this.#next
    const block = (id / PER_BLOCK) | 0
    this.#freeAt[block] = Math.max(this.#freeAt[block] as number, now + lifetime)
    this.#next = (id + 1) & 0xffff
    return id
  }

  #block(): Nanoseconds {
    return this.#freeAt[(this.#next / PER_BLOCK) | 0] as number
  }
}
