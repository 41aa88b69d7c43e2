/**
 * Finds in a latency histogram what Nagle's algorithm leaves there. A sender that has it on holds a small segment back
 * while an earlier one is not acknowledged (RFC 9293 section 3.7.4), so a message waits at most for the acknowledgement
 * of what was sent just before it: a round trip, and what the receiver delays its acknowledgement (RFC 9293 section
 * 3.8.6.3; Linux: 40 ms). It shows as an end of the distribution between RTT and RTT + 40 ms above the one-way delay,
 * and it comes in two shapes:
 *
 *     step    all that wait, wait as long: each message is two writes, and the second waits
 *     ramp    waits are spread evenly from 0 on: messages come faster than acknowledgements
 *
 * A queue, jitter or loss ends elsewhere, is not even, or goes on beyond. A constant delay of just that length cannot be
 * told apart: therefore it is only asked where the algorithm is on.
 */
import type { Nanoseconds } from '../core/clock.ts'
import { MILLISECOND } from '../core/clock.ts'
import type { EcdfPoint, Histogram } from './histogram.ts'

/** What Linux delays an acknowledgement at most where data comes steadily (TCP_DELACK_MIN). */
export const DELAYED_ACK = 40 * MILLISECOND

export interface Circumstances {
  /** From the devices to the server, without queues. */
  readonly oneWay: Nanoseconds
  /** As connections met it. */
  readonly roundTrip: Nanoseconds
  /** By how much the link spreads delays by itself. */
  readonly blur: Nanoseconds
  readonly interval: Nanoseconds
  /** Of the segments that carry data, the fraction that are retransmissions. */
  readonly retransmitted: number
}

export interface NagleTrace {
  readonly shape: 'step' | 'ramp'
  /** The wait of a step, or the longest of a ramp, minus the round trip: 0 to 40 ms, give or take the tolerance. */
  readonly beyond: Nanoseconds
  /** Of the messages, how many wait. */
  readonly share: number
}

/** Kernel timers fire up to a tick late: at 100 Hz, the slowest that is built. */
const TICK = 10 * MILLISECOND
/** What a broker and two processes add to the delay without being asked. */
const SLACK = 3 * MILLISECOND
const FEWEST = 100
/** So many may be later than any acknowledgement: they wait for something else. */
const LATER = 0.05
const STEP_SHARE = 0.1
const RAMP_SHARE = 0.5
/** How far from even the waits of a ramp may be (Kolmogorov-Smirnov distance). */
const UNEVEN = 0.1
/** Where the end of an even distribution is read off. */
const HIGH = 0.98

class Waits {
  readonly #points: readonly EcdfPoint[]
  readonly #base: Nanoseconds

  constructor(latency: Histogram, base: Nanoseconds) {
    this.#points = latency.ecdf()
    this.#base = base
  }

  /** The fraction that waits no longer. */
  within(wait: Nanoseconds): number {
    const point = this.#points.findLast(({ value }) => value - this.#base <= wait)
    return point?.fraction ?? 0
  }

  /** The shortest wait that is not exceeded by this fraction. */
  at(fraction: number): Nanoseconds {
    const point = this.#points.find((p) => p.fraction >= fraction)
    return (point?.value ?? NaN) - this.#base
  }
}

/** Null: nothing of the kind, or it could not be told from what else the link does. */
export const findNagle = (latency: Histogram, circumstances: Circumstances): NagleTrace | null => {
  if (latency.count < FEWEST) return null
  const { oneWay, roundTrip, blur, interval, retransmitted } = circumstances
  const tolerance = Math.max(SLACK, 0.05 * roundTrip) + blur
  const longest = roundTrip + DELAYED_ACK
  const band = [Math.max(roundTrip - tolerance, 3 * tolerance), longest + TICK + tolerance] as const
  if (band[0] > longest) return null
  const waits = new Waits(latency, oneWay)
  const known = waits.within(band[1])
  if (1 - known > LATER) return null
  // What is sent behind a lost segment waits as long, and as evenly.
  const behindLosses = retransmitted * (1 + longest / interval)
  const share = known - waits.within(tolerance)
  const shape = shapeOf(waits, tolerance, band, known)
  const least = shape === 'step' ? STEP_SHARE : RAMP_SHARE
  if (shape === null || share - behindLosses < least) return null
  const wait = waits.at(shape === 'step' ? known - share / 2 : HIGH * known)
  return { shape, beyond: wait - roundTrip, share }
}

const shapeOf = (
  waits: Waits,
  tolerance: Nanoseconds,
  band: readonly [Nanoseconds, Nanoseconds],
  known: number,
): NagleTrace['shape'] | null => {
  const atOnce = waits.within(tolerance)
  const before = waits.within(band[0]) - atOnce
  const inside = known - atOnce - before
  if (inside >= 4 * before) return 'step'
  const end = tolerance + (waits.at(atOnce + HIGH * (known - atOnce)) - tolerance) / HIGH
  if (end < band[0] || end > band[1]) return null
  let distance = 0
  for (let part = 0.05; part < 1; part += 0.05) {
    const found = waits.within(tolerance + part * (end - tolerance)) - atOnce
    distance = Math.max(distance, Math.abs(found / (known - atOnce) - part))
  }
  return distance <= UNEVEN ? 'ramp' : null
}

const ms = (time: Nanoseconds): string => `${Math.max(0, time / MILLISECOND).toFixed(0)} ms`

/** The finding as a sentence. */
export const describeNagle = (stack: string, { shape, beyond, share }: NagleTrace): string => {
  const who = `${(share * 100).toFixed(0)} % of the messages`
  const what =
    shape === 'step'
      ? `latency of ${stack} has a step at RTT + ${ms(beyond)} (${who})`
      : `latency of ${stack} is spread evenly up to RTT + ${ms(beyond)} above the one-way delay (${who} wait)`
  return `${what}: Nagle's algorithm holds small segments back until the one before is acknowledged, which the receiver may delay by 40 ms; set tcp.nodelay: true`
}
