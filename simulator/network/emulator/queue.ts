import type { Nanoseconds } from '../../core/clock.ts'
import type { QueueLimit } from '../../core/link-profile.ts'
import { NONE, type PacketPool } from './pool.ts'
import { Variants } from './variants.ts'

const NO_LIMIT: QueueLimit = { limit: Infinity, unit: 'packets' }

/**
 * Drop-tail queue before the rate limiter: counts, for each device, the packets that wait for serialisation or are in
 * it. They are a list in the order in which they leave (pool.behind), so the count is brought up to date by walking on from
 * the oldest that had not left: no event per departure.
 */
export class Queue {
  readonly #pool: PacketPool
  readonly #limits: Variants<QueueLimit>
  readonly #first: Int32Array
  readonly #last: Int32Array
  readonly #packets: Int32Array
  readonly #bytes: Float64Array

  /** `limit` null: only counts. */
  constructor(pool: PacketPool, limit: QueueLimit | null, devices: number) {
    this.#pool = pool
    this.#limits = new Variants(devices, limit ?? NO_LIMIT)
    this.#first = new Int32Array(devices).fill(NONE)
    this.#last = new Int32Array(devices).fill(NONE)
    this.#packets = new Int32Array(devices)
    this.#bytes = new Float64Array(devices)
  }

  /** From now on, the devices from `first` up to, not including, `end` have this limit; what waits beyond it stays. */
  change(first: number, end: number, limit: QueueLimit | null): void {
    this.#limits.change(first, end, limit ?? NO_LIMIT)
  }

  /** Whether a packet of `length` finds no place. */
  full(device: number, length: number, now: Nanoseconds): boolean {
    this.advance(device, now)
    const { limit, unit } = this.#limits.of(device)
    if (unit === 'packets') return (this.#packets[device] as number) >= limit
    return (this.#bytes[device] as number) + length > limit
  }

  /** Bytes of a device's packets, those in serialisation included, as of the latest `advance`. */
  bytes(device: number): number {
    return this.#bytes[device] as number
  }

  /** The packet leaves after all others of its device, at pool.departed (NEVER as long as that is not known). */
  add(device: number, slot: number): void {
    const { behind, length } = this.#pool
    behind[slot] = NONE
    if (this.#first[device] === NONE) this.#first[device] = slot
    else behind[this.#last[device] as number] = slot
    this.#last[device] = slot
    this.#packets[device] = (this.#packets[device] as number) + 1
    this.#bytes[device] = (this.#bytes[device] as number) + (length[slot] as number)
  }

  /** Forgets what has left the rate limiter by `now`. To be called before a packet leaves the pool, or waits elsewhere. */
  advance(device: number, now: Nanoseconds): void {
    const { behind, departed, length } = this.#pool
    let slot = this.#first[device] as number
    if (slot === NONE) return
    let packets = this.#packets[device] as number
    let bytes = this.#bytes[device] as number
    while (slot !== NONE && (departed[slot] as number) <= now) {
      packets--
      bytes -= length[slot] as number
      slot = behind[slot] as number
    }
    this.#first[device] = slot
    this.#packets[device] = packets
    this.#bytes[device] = bytes
  }
}
