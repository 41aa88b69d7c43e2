import type { Nanoseconds } from '../../core/clock.ts'
import { uniformAt } from '../../core/random.ts'
import { BAD_PERIOD, FATE, REDRAW } from './channel.ts'
import type { LossModel } from './loss.ts'
import type { Slots } from './slots.ts'

/**
 * Loss as a function of time: independent (a burst of 0), or in bad periods of mean `burst` that lose all, and that make
 * up the fraction `ratio` of time.
 */
export class LossInTime implements LossModel {
  readonly #slots: Slots
  readonly #ratio: number
  readonly #burst: Nanoseconds
  readonly #frame: number
  /** Mean time between two redraws of the state, and the cells of time in which redraws are numbered. */
  readonly #gap: Nanoseconds
  readonly #cell: Nanoseconds

  /** `frame`: bytes per link-layer frame, or null where a packet is one frame. */
  constructor(slots: Slots, ratio: number, burst: Nanoseconds, frame: number | null) {
    this.#slots = slots
    this.#ratio = ratio
    this.#burst = burst
    this.#frame = frame ?? Infinity
    this.#gap = burst * (1 - ratio)
    this.#cell = 2 * this.#gap
  }

  loses(_device: number, length: number): boolean {
    if (this.#ratio === 0) return false
    const { key, time, slot, number } = this.#slots
    // All frames of a packet meet the same state, which decides.
    if (this.#burst > 0) return this.bad(key, time)
    return uniformAt(key ^ FATE, slot, number) < this.#ofPacket(length)
  }

  /**
   * The state of a two-state continuous-time Markov chain: bad periods of mean B, bad for the fraction L of time. It is
   * uniformised: at the instants of a Poisson process of rate a + b (exit rate b = 1/B, entry rate a = L/(B(1 - L))) the
   * state is drawn anew, bad with probability a/(a + b) = L. That is the same chain, and its state is known at any
   * instant from the latest redraw alone. Redraws come from seeded values per cell of time.
   */
  bad(key: number, time: Nanoseconds): boolean {
    if (this.#ratio >= 1) return true
    const start = Math.floor(time / this.#cell)
    let within = time - start * this.#cell
    for (let cell = start; ; cell--) {
      const latest = this.#redraws(key ^ REDRAW, cell, within) - 1
      if (latest >= 0) return uniformAt(key ^ BAD_PERIOD, cell, latest) < this.#ratio
      within = this.#cell
    }
  }

  /** A packet is lost when one of its frames is: 1 - (1 - p)^frames. */
  #ofPacket(length: number): number {
    if (length <= this.#frame) return this.#ratio
    return 1 - (1 - this.#ratio) ** Math.ceil(length / this.#frame)
  }

  /** How many redraws a cell has up to `within` its start. */
  #redraws(key: number, cell: number, within: Nanoseconds): number {
    let count = 0
    let at = 0
    for (;;) {
      at -= this.#gap * Math.log(1 - uniformAt(key, cell, count))
      if (at > within) return count
      count++
    }
  }
}
