import { MILLISECOND, type Nanoseconds } from '../../core/clock.ts'
import { OPPORTUNITY } from '../../core/delivery-trace.ts'
import { uniformAt } from '../../core/random.ts'
import { TRACE_OFFSET, type Channel } from './channel.ts'
import { RUN, type Epochs } from './epochs.ts'
import type { Serialiser } from './rate.ts'

/** A recorded link, the same for all devices: instants at which bytes may leave, again and again. */
export class Opportunities {
  readonly period: Nanoseconds
  /** Distinct instants of a period, and how many bytes may leave at each. */
  readonly #at: Float64Array
  readonly #bytes: Float64Array

  /** `times`: see parseDeliveryTrace. */
  constructor(times: Uint32Array) {
    const bytes = new Map<number, number>()
    const last = times.at(-1) as number
    // Millisecond 0 is the end of the period before.
    for (const time of times) if (time > 0) bytes.set(time, (bytes.get(time) ?? 0) + OPPORTUNITY)
    const atZero = times.lastIndexOf(0) + 1
    bytes.set(last, (bytes.get(last) ?? 0) + atZero * OPPORTUNITY)
    this.#at = Float64Array.from(bytes.keys(), (time) => time * MILLISECOND)
    this.#bytes = Float64Array.from(bytes.values())
    this.period = this.#at.at(-1) as number
  }

  get count(): number {
    return this.#at.length
  }

  /** The number of the first instant at `time` or later. Numbers go on over all periods, before the first one too. */
  from(time: Nanoseconds): number {
    // Above 0 and up to the period, which is the last instant.
    const lap = Math.ceil(time / this.period) - 1
    const within = time - lap * this.period
    let low = 0
    for (let high = this.#at.length - 1; low < high;) {
      const middle = (low + high) >> 1
      if ((this.#at[middle] as number) < within) low = middle + 1
      else high = middle
    }
    return lap * this.#at.length + low
  }

  time(number: number): Nanoseconds {
    const lap = Math.floor(number / this.#at.length)
    return lap * this.period + (this.#at[number - lap * this.#at.length] as number)
  }

  bytes(number: number): number {
    const lap = Math.floor(number / this.#at.length)
    return this.#bytes[number - lap * this.#at.length] as number
  }
}

/**
 * The devices on a recorded link: each begins at an instant of its own, so that they do not all stall at once. A packet may
 * take several opportunities, or share one with others; what finds no packet is lost.
 */
export class Trace implements Serialiser {
  readonly #opportunities: Opportunities
  readonly #epochs: Epochs
  /** How far into the period each device is at the origin of an epoch. */
  readonly #offsets: Float64Array
  readonly #last: Float64Array
  /** Bytes already used of the instant `#last`. */
  readonly #used: Float64Array

  constructor(opportunities: Opportunities, channel: Channel) {
    const { devices } = channel
    this.#opportunities = opportunities
    this.#epochs = channel.epochs
    const milliseconds = opportunities.period / MILLISECOND
    this.#offsets = Float64Array.from({ length: devices }, (_, device) => {
      const u = uniformAt(channel.key(device, RUN) ^ TRACE_OFFSET, 0)
      return Math.floor(u * milliseconds) * MILLISECOND
    })
    this.#last = new Float64Array(devices).fill(-Infinity)
    this.#used = new Float64Array(devices)
  }

  departure(device: number, length: number, start: Nanoseconds): Nanoseconds {
    const opportunities = this.#opportunities
    const last = this.#last[device] as number
    const begin = start > last ? start : last
    const origin = this.#epochs.origin(this.#epochs.epoch(start))
    const zero = origin - (this.#offsets[device] as number)
    let number = opportunities.from(begin - zero)
    let used = zero + opportunities.time(number) === last ? (this.#used[device] as number) : 0
    let rest = length
    for (;;) {
      const left = opportunities.bytes(number) - used
      if (rest <= left) break
      rest -= left
      used = 0
      number++
    }
    const departed = zero + opportunities.time(number)
    this.#last[device] = departed
    this.#used[device] = used + rest
    return departed
  }
  free(device: number): Nanoseconds {
    return this.#last[device] as number
  }
}
