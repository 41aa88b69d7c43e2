import { SECOND, type Nanoseconds } from '../../core/clock.ts'

/**
 * Packets per second that pass: a bucket of `burst` packets, filled at the rate; a packet that finds less than one is to be
 * dropped, it never waits. The bucket is kept as the instant at which it was empty.
 */
export class Policer {
  readonly #perPacket: Nanoseconds
  readonly #depth: Nanoseconds
  readonly #empty: Float64Array

  constructor(policer: { readonly rate: number; readonly burst: number }, devices: number) {
    this.#perPacket = SECOND / policer.rate
    this.#depth = policer.burst * this.#perPacket
    this.#empty = new Float64Array(devices).fill(-Infinity)
  }

  passes(device: number, now: Nanoseconds): boolean {
    const empty = Math.max(now - this.#depth, this.#empty[device] as number) + this.#perPacket
    if (empty > now) return false
    this.#empty[device] = empty
    return true
  }
}
