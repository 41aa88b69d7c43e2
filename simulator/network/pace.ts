/**
 * When the link looks for packets: at each one as it comes (`clocked` false), or on a clock (`clocked` true). A sleep for
 * every packet costs more than the packet, and wakes the link in the middle of what the fleet is about; with many
 * packets the link looks at fixed instants instead, and takes together what came since and what is due by the next.
 */
import { MICROSECOND, MILLISECOND, SECOND, type Nanoseconds } from '../core/clock.ts'
import type { LinkConfig } from './link-protocol.ts'

/**
 * Between two looks of the clock. A packet is taken up to a period late and handed on up to a period early, which
 * cancel to within 0.1 ms, with a standard deviation of period / sqrt(6): 0.1 ms, or 0.2 ms with very many packets.
 */
export const SHORT: Nanoseconds = 250 * MICROSECOND
export const LONG: Nanoseconds = 500 * MICROSECOND
/** With so little delay a period is no small part of it, and nothing that is handed on early could make up for it. */
export const LEAST_DELAY: Nanoseconds = MILLISECOND

/** The rate is judged over so long. */
const SPELL: Nanoseconds = 16 * MILLISECOND
/**
 * Packets taken and handed on per second: one in four looks. A processor that sleeps between packets needs several times
 * as long for each, and who shares it waits so long.
 */
const BUSY = SECOND / SHORT / 4
/** Two a look. The looks themselves are most of the cost by then, and each that comes in between holds up the fleet. */
const CROWDED = (2 * SECOND) / SHORT
/** A change is taken back at so much of the rate that brought it, so that it does not flutter. */
const CALMED = 0.5

/** Of both directions, and of what the timeline makes of them. */
export const shortestDelay = ({ profile, timeline }: LinkConfig): Nanoseconds => {
  const changes = timeline.flatMap((event) =>
    event.kind === 'change' ? [event.up, event.down] : [],
  )
  return Math.min(...[profile.up, profile.down, ...changes].map(({ delay }) => delay ?? Infinity))
}

export class Pace {
  clocked = false
  /** Between two looks. */
  period = SHORT
  readonly #mayClock: boolean
  #spellStart: Nanoseconds
  #packets = 0
  /** Instants at which `clocked` changed; it was false before the first. */
  readonly #changes: Nanoseconds[] = []

  /** @param delay the shortest mean delay: see `shortestDelay` */
  constructor(delay: Nanoseconds, now: Nanoseconds) {
    this.#mayClock = delay >= LEAST_DELAY
    this.#spellStart = now
  }

  /** A packet was taken, or handed on. */
  carried(): void {
    this.#packets++
  }

  /** True at the end of a spell, when `clocked` has been judged again. */
  review(now: Nanoseconds): boolean {
    const elapsed = now - this.#spellStart
    if (elapsed < SPELL) return false
    const rate = (this.#packets * SECOND) / elapsed
    const clocked = this.#mayClock && rate >= (this.clocked ? CALMED * BUSY : BUSY)
    this.period = rate >= (this.period === LONG ? CALMED * CROWDED : CROWDED) ? LONG : SHORT
    if (clocked !== this.clocked) this.#changes.push(now)
    this.clocked = clocked
    this.#spellStart = now
    this.#packets = 0
    return true
  }

  /**
   * The next look after `now`. Looks are half a period away from whole milliseconds, at which the fleet sends
   * (fleet/schedule.ts): each has the processor to itself.
   */
  nextLook(now: Nanoseconds): Nanoseconds {
    return (Math.floor(now / this.period + 0.5) + 0.5) * this.period
  }

  /** Share of the time from `from` to `to` that went by on the clock. */
  clockedShare(from: Nanoseconds, to: Nanoseconds): number {
    const within = (time: Nanoseconds): Nanoseconds => Math.min(to, Math.max(from, time))
    let sum = 0
    for (let i = 0; i < this.#changes.length; i += 2)
      sum += within(this.#changes[i + 1] ?? to) - within(this.#changes[i] as Nanoseconds)
    return to > from ? sum / (to - from) : 0
  }
}
