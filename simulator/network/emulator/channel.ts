/**
 * What a link does to packets by chance, as a function of (seed, device, direction, epoch, time): never of the traffic,
 * nor of what was asked before. So it is the same for every stack of a repetition, and needs no state.
 */
import { MILLISECOND, type Nanoseconds } from '../../core/clock.ts'
import { key, normalAt, uniformAt } from '../../core/random.ts'
import type { DirectionProfile } from '../../core/link-profile.ts'
import type { EpochIndex } from './epochs.ts'

export const UP = 0
export const DOWN = 1
export type DirectionIndex = typeof UP | typeof DOWN

/** Loss is drawn, and jitter has its knots, once per slot. */
export const SLOT: Nanoseconds = 10 * MILLISECOND

/** Extra delay is cut at so many standard deviations. */
const CUT = 3
/**
 * A value on the straight line between two independent normal knots has 1 to 1/2 of their variance, on average 2/3.
 * With this factor, the deviation over time is the one asked for (less about 0.5 % that the cut takes away).
 */
const BETWEEN_KNOTS = Math.sqrt(3 / 2)

/** Separate the purposes for which one device's key is used. */
const REDRAW = 0x51ed270b
const STATE = 0x2545f491
const JITTER = 0x6c8e9cf5

/** One direction of all devices in one epoch. Times count from the epoch's origin and may be negative. */
export class Channel {
  readonly #keys: Uint32Array
  readonly #ratio: number
  readonly #burst: Nanoseconds
  /** Mean time between two redraws of the state. */
  readonly #gap: Nanoseconds
  readonly #cell: Nanoseconds
  readonly #jitter: Nanoseconds

  constructor(
    seed: number,
    direction: DirectionIndex,
    epoch: EpochIndex,
    devices: number,
    profile: DirectionProfile,
  ) {
    this.#keys = Uint32Array.from({ length: devices }, (_, device) =>
      key(seed, direction, epoch, device),
    )
    this.#ratio = profile.loss.kind === 'time' ? profile.loss.ratio : 0
    this.#burst = profile.loss.kind === 'time' ? profile.loss.burst : 0
    this.#gap = this.#burst * (1 - this.#ratio)
    this.#cell = 2 * this.#gap
    this.#jitter = profile.jitter
  }

  /** The uniform value of the j-th packet of a slot. */
  uniform(device: number, slot: number, j: number): number {
    return uniformAt(this.#keys[device] as number, slot, j)
  }

  /** Whether the j-th packet of `slot`, at `time` inside it, is lost. */
  loses(device: number, time: Nanoseconds, slot: number, j: number): boolean {
    if (this.#ratio === 0) return false
    if (this.#burst > 0) return this.bad(device, time)
    return this.uniform(device, slot, j) < this.#ratio
  }

  /**
   * The state of a two-state continuous-time Markov chain: bad periods of mean B, bad for the fraction L of time. It is
   * uniformised: at the instants of a Poisson process of rate a + b (exit rate b = 1/B, entry rate a = L/(B(1 - L))) the
   * state is drawn anew, bad with probability a/(a + b) = L. That is the same chain, and its state is known at any
   * instant from the latest redraw alone. Redraws come from seeded values per cell of time.
   */
  bad(device: number, time: Nanoseconds): boolean {
    if (this.#ratio >= 1) return true
    const k = this.#keys[device] as number
    const start = Math.floor(time / this.#cell)
    let within = time - start * this.#cell
    for (let cell = start; ; cell--) {
      const latest = this.#redraws(k ^ REDRAW, cell, within) - 1
      if (latest >= 0) return uniformAt(k ^ STATE, cell, latest) < this.#ratio
      within = this.#cell
    }
  }

  /** Extra delay, positive or negative: on the line between the seeded values at the slots' knots. */
  extraDelay(device: number, time: Nanoseconds): Nanoseconds {
    if (this.#jitter === 0) return 0
    const k = (this.#keys[device] as number) ^ JITTER
    const position = time / SLOT
    const slot = Math.floor(position)
    const before = normalAt(k, slot)
    const value = before + (normalAt(k, slot + 1) - before) * (position - slot)
    return this.#jitter * Math.max(-CUT, Math.min(CUT, value * BETWEEN_KNOTS))
  }

  /** How many redraws a cell has up to `within` its start. */
  #redraws(k: number, cell: number, within: Nanoseconds): number {
    let count = 0
    let at = 0
    for (;;) {
      at -= this.#gap * Math.log(1 - uniformAt(k, cell, count))
      if (at > within) return count
      count++
    }
  }
}
