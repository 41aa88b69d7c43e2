import type { Nanoseconds } from '../../core/clock.ts'
import type { SharedProfile } from '../../core/link-profile.ts'
import type { Lines } from './lines.ts'
import type { PacketPool } from './pool.ts'
import { Queue } from './queue.ts'
import { Rate } from './rate.ts'

/** The one line of a shared bottleneck. */
export const SHARED_LINE = 0

/** One queue and one rate for the packets of all devices, in the order in which they come here: a cell tower, a gateway. */
export class Shared {
  readonly #pool: PacketPool
  readonly #rate: Rate
  readonly #queue: Queue
  readonly #lines: Lines

  /** `lines`: where packets wait until they have left; they are due in their order. */
  constructor(pool: PacketPool, profile: SharedProfile, lines: Lines) {
    this.#pool = pool
    this.#rate = new Rate(profile.rate, 0, 1)
    this.#queue = new Queue(pool, profile.queue, 1)
    this.#lines = lines
  }

  /** False: the queue is full, and the packet the caller's. */
  arrive(slot: number, now: Nanoseconds): boolean {
    const length = this.#pool.length[slot] as number
    if (this.#queue.full(SHARED_LINE, length, now)) return false
    const departed = this.#rate.departure(SHARED_LINE, length, now)
    this.#pool.departed[slot] = departed
    this.#queue.add(SHARED_LINE, slot)
    this.#lines.enter(SHARED_LINE, slot, departed)
    return true
  }

  /** Takes out the packet that has left. */
  leave(): number {
    const slot = this.#lines.head(SHARED_LINE)
    this.#queue.advance(SHARED_LINE, this.#pool.departed[slot] as number)
    return this.#lines.leave(SHARED_LINE)
  }
}
