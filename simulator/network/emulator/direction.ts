/**
 * One direction of every device's link, in whatever time it is given:
 *
 *     arrive ──> Loss ──> Queue ──> Rate ──> Delay ──> Lines ──> take, when it is due
 *                 │         │
 *                lost   overflowed
 *
 * Probes, numbered behind the devices, meet nothing but the mean delay.
 */
import type { Nanoseconds } from '../../core/clock.ts'
import type { DirectionProfile } from '../../core/link-profile.ts'
import type { Channel } from './channel.ts'
import { Delay } from './delay.ts'
import { Lines } from './lines.ts'
import { Loss } from './loss.ts'
import type { PacketPool } from './pool.ts'
import { Queue } from './queue.ts'
import { Rate } from './rate.ts'
import type { Epochs } from './epochs.ts'

/** What became of a packet: it waits as the first of its line, it waits behind others, or it is gone. */
export const FIRST = 0
export const BEHIND = 1
export const LOST = 2
export const OVERFLOWED = 3
export type Fate = typeof FIRST | typeof BEHIND | typeof LOST | typeof OVERFLOWED

export class Direction {
  readonly #pool: PacketPool
  readonly #devices: number
  readonly #delayOfProbes: Nanoseconds
  readonly #loss: Loss
  readonly #queue: Queue | null
  readonly #rate: Rate | null
  readonly #delay: Delay
  readonly lines: Lines

  /** `channels`: those of the two epochs, in the order of their indices. */
  constructor(
    pool: PacketPool,
    profile: DirectionProfile,
    channels: readonly [Channel, Channel],
    epochs: Epochs,
    devices: number,
    probes: number,
  ) {
    this.#pool = pool
    this.#devices = devices
    this.#delayOfProbes = profile.delay
    this.#loss = new Loss(channels, epochs, devices)
    // Without a rate limit nothing ever waits before it.
    this.#rate = profile.rate === null ? null : new Rate(profile.rate, devices)
    this.#queue =
      profile.rate === null || profile.queue === null
        ? null
        : new Queue(pool, profile.queue.limit, devices)
    this.#delay = new Delay(channels, epochs, profile.delay, devices)
    this.lines = new Lines(pool, devices + probes)
  }

  /** Takes the packet in `slot`, whose length stands in the pool. A packet that is gone leaves its slot to the caller. */
  arrive(device: number, slot: number, now: Nanoseconds): Fate {
    if (device >= this.#devices) return this.#line(device, slot, now + this.#delayOfProbes)
    if (this.#loss.loses(device, now)) return LOST
    if (this.#queue?.full(device, now) === true) return OVERFLOWED
    const length = this.#pool.length[slot] as number
    const departed = this.#rate?.departure(device, length, now) ?? now
    this.#pool.departed[slot] = departed
    const fate = this.#line(device, slot, this.#delay.arrival(device, departed))
    this.#queue?.add(device, slot)
    return fate
  }

  /** Takes the first packet of the line, which is due by now, out of the link. */
  take(device: number): number {
    const due = this.#pool.due[this.lines.head(device)] as number
    if (device < this.#devices) this.#queue?.advance(device, due)
    return this.lines.shift(device)
  }

  #line(device: number, slot: number, due: Nanoseconds): Fate {
    this.#pool.due[slot] = due
    return this.lines.append(device, slot) ? FIRST : BEHIND
  }
}
