/** What a count of losses says about the probability behind it. */
import { normalAbove } from '../core/normal.ts'
import type { Interval } from './statistics.ts'

/** The standard normal quantile of a two-sided level, by bisection: 1.96 for 0.95. */
export const normalFactor = (level: number): number => {
  let low = 0
  let high = 7
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (normalAbove(middle) > (1 - level) / 2) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/**
 * Wilson's score interval of a proportion (Wilson 1927): right also near 0, where the one from the variance is not.
 * @param count of `trials`; neither need be whole, because an effective number of trials is not
 */
export const proportionInterval = (count: number, trials: number, level = 0.95): Interval => {
  const z = normalFactor(level)
  const p = count / trials
  const centre = (p + (z * z) / (2 * trials)) / (1 + (z * z) / trials)
  const half =
    (z / (1 + (z * z) / trials)) *
    Math.sqrt((p * (1 - p)) / trials + (z * z) / (4 * trials * trials))
  return { low: Math.max(0, centre - half), high: Math.min(1, centre + half), level }
}

/**
 * By how much less a sample tells because its trials come in blocks that hang together, such as the packets of one device on
 * a link that loses in bursts: the variance between the blocks' fractions over that of independent trials (Kish 1965,
 * section 5.4), never under 1.
 * @param counts events in each block @param trials of each block, all alike
 */
export const designEffect = (counts: readonly number[], trials: number): number => {
  const blocks = counts.length
  const p = counts.reduce((sum, count) => sum + count, 0) / (blocks * trials)
  if (blocks < 2 || p === 0 || p === 1) return 1
  const between = counts.reduce((sum, count) => sum + (count / trials - p) ** 2, 0) / (blocks - 1)
  return Math.max(1, between / ((p * (1 - p)) / trials))
}
