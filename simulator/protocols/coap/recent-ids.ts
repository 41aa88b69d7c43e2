/**
 * The message IDs that one peer has used lately, for deduplication (RFC 7252 section 4.5).
 *
 * A table indexed by the low bits of the ID. Peers count their IDs upwards, so a table of at least as many slots as IDs
 * come within a lifetime holds every one without a collision; where two live IDs do collide the table doubles, at most to
 * 65 536 slots, where each ID has its own. Lookup is one slot, the answer is exact for any peer.
 */
import { MILLISECOND, type Nanoseconds } from '../../core/clock.ts'

const FIRST_CAPACITY = 16
const MOST_CAPACITY = 65536

/** How many slots (8 bytes each) tables may still take; shared by all tables that must fit together. */
export interface Allowance {
  slots: number
}

export class RecentIds {
  /** One slot: expiry in milliseconds * 65536 + ID; exact in a double for 4 years of uptime. 0: never used. */
  #slots = new Float64Array(FIRST_CAPACITY)
  readonly #allowance: Allowance
  #newestExpiry = 0
  /** IDs overwritten before their time because the allowance was spent: their duplicates would be taken for new messages. */
  forgotten = 0

  constructor(allowance: Allowance) {
    this.#allowance = allowance
    allowance.slots -= FIRST_CAPACITY
  }

  /** Whether the ID was seen within its lifetime; if not, it counts as seen from now on, for `lifetime`. */
  seen(id: number, lifetime: Nanoseconds, now: Nanoseconds): boolean {
    const milliseconds = Math.floor(now / MILLISECOND)
    for (;;) {
      const slots = this.#slots
      const index = id & (slots.length - 1)
      const entry = slots[index] as number
      const expiry = Math.floor(entry / 65536)
      if (expiry > milliseconds) {
        if (entry - expiry * 65536 === id) return true
        if (this.#grow(milliseconds)) continue
        this.forgotten++
      }
      const until = milliseconds + Math.ceil(lifetime / MILLISECOND)
      slots[index] = until * 65536 + id
      if (until > this.#newestExpiry) this.#newestExpiry = until
      return false
    }
  }

  /** Whether the ID was seen within its lifetime. */
  has(id: number, now: Nanoseconds): boolean {
    const entry = this.#slots[id & (this.#slots.length - 1)] as number
    const expiry = Math.floor(entry / 65536)
    return expiry > Math.floor(now / MILLISECOND) && entry - expiry * 65536 === id
  }

  /** Whether nothing in the table is alive any more. */
  stale(now: Nanoseconds): boolean {
    return this.#newestExpiry <= now / MILLISECOND
  }

  /** Gives the slots back to the allowance; the table must not be used after. */
  release(): void {
    this.#allowance.slots += this.#slots.length
  }

  /** Doubles the table, keeping what is alive; false when there is no room. */
  #grow(milliseconds: number): boolean {
    const old = this.#slots
    const capacity = old.length * 2
    if (capacity > MOST_CAPACITY || this.#allowance.slots < old.length) return false
    this.#allowance.slots -= old.length
    const slots = new Float64Array(capacity)
    for (const entry of old)
      if (entry >= milliseconds * 65536) slots[(entry % 65536) & (capacity - 1)] = entry
    this.#slots = slots
    return true
  }
}
