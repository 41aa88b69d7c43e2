import { SECOND, type Nanoseconds } from '../../core/clock.ts'
import { Variants } from './variants.ts'

/** What serialises: one packet of a device after the other. */
export interface Serialiser {
  /**
   * When the last bit of a packet has left that begins no earlier than `start`, nor than the one before it has left. To be
   * asked once for each packet, in their order.
   */
  departure(device: number, length: number, start: Nanoseconds): Nanoseconds
  /** When the next packet can begin, or a time before now. */
  free(device: number): Nanoseconds
}

interface Bucket {
  readonly bitsPerSecond: number | null
  /** Time per byte; 0 where there is no limit. */
  readonly perByte: Nanoseconds
  /** How long the bucket takes to fill. */
  readonly depth: Nanoseconds
}

const bucketOf = (bitsPerSecond: number | null, burst: number): Bucket => {
  const perByte = bitsPerSecond === null ? 0 : (8 * SECOND) / bitsPerSecond
  return { bitsPerSecond, perByte, depth: burst * perByte }
}

/**
 * A token bucket: tokens are bytes, come at the rate, and at most `burst` of them are kept; a packet leaves when there are
 * as many as it is long. With a burst of 0 it is a constant bit rate: each packet takes its length. The bucket is kept as the
 * instant at which it was, or will be, empty.
 */
export class Rate implements Serialiser {
  readonly #burst: number
  readonly #buckets: Variants<Bucket>
  readonly #empty: Float64Array

  /** `burst` in bytes; `bitsPerSecond` null: no limit, until it is changed. */
  constructor(bitsPerSecond: number | null, burst: number, devices: number) {
    this.#burst = burst
    this.#buckets = new Variants(devices, bucketOf(bitsPerSecond, burst))
    // Nothing has been sent yet: the bucket is full.
    this.#empty = new Float64Array(devices).fill(-Infinity)
  }

  /** The devices from `first` up to, not including, `end` have this rate for packets that come from now on. */
  change(first: number, end: number, bitsPerSecond: number | null): void {
    const known = this.#buckets.values.find((bucket) => bucket.bitsPerSecond === bitsPerSecond)
    this.#buckets.change(first, end, known ?? bucketOf(bitsPerSecond, this.#burst))
  }

  departure(device: number, length: number, start: Nanoseconds): Nanoseconds {
    const { perByte, depth } = this.#buckets.of(device)
    const empty = Math.max(start - depth, this.#empty[device] as number) + length * perByte
    this.#empty[device] = empty
    return empty > start ? empty : start
  }

  free(device: number): Nanoseconds {
    return this.#empty[device] as number
  }
}
