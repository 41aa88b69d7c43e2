import type { Nanoseconds } from '../../core/clock.ts'
import { NONE, type PacketPool } from './pool.ts'

/**
 * Drop-tail queue before the rate limiter: counts, for each device, the packets that wait for serialisation or are in
 * it. A device's packets are a list in their order (pool.next), so the count is brought up to date by walking on from
 * the oldest that had not left: no event per departure.
 */
export class Queue {
  readonly #pool: PacketPool
  readonly #limit: number
  readonly #first: Int32Array
  readonly #count: Int32Array

  constructor(pool: PacketPool, limit: number, devices: number) {
    this.#pool = pool
    this.#limit = limit
    this.#first = new Int32Array(devices).fill(NONE)
    this.#count = new Int32Array(devices)
  }

  full(device: number, now: Nanoseconds): boolean {
    this.advance(device, now)
    return (this.#count[device] as number) >= this.#limit
  }

  /** The packet is the last of its device's list. */
  add(device: number, slot: number): void {
    if (this.#first[device] === NONE) this.#first[device] = slot
    this.#count[device] = (this.#count[device] as number) + 1
  }

  /** Forgets what has left the rate limiter by `now`. To be called before a packet leaves the list. */
  advance(device: number, now: Nanoseconds): void {
    let slot = this.#first[device] as number
    if (slot === NONE) return
    let count = this.#count[device] as number
    while (slot !== NONE && (this.#pool.departed[slot] as number) <= now) {
      slot = this.#pool.next[slot] as number
      count--
    }
    this.#first[device] = slot
    this.#count[device] = count
  }
}
