/** Quantiles of a sample, with what chance leaves open of them. */
import type { Interval } from './statistics.ts'
import { normalFactor } from './proportion.ts'

/** The ceil(q n)-th smallest value. NaN when empty. @param sorted ascending */
export const quantileOf = (sorted: ArrayLike<number>, q: number): number =>
  sorted[Math.min(sorted.length, Math.max(1, Math.ceil(q * sorted.length))) - 1] ?? Number.NaN

/**
 * The order statistics between which the true quantile lies with about `level`, whatever the distribution: how many values lie
 * below it is binomial, here by its normal approximation (David and Nagaraja, Order Statistics, section 7.1).
 * @param sorted ascending, not empty
 */
export const quantileInterval = (sorted: ArrayLike<number>, q: number, level = 0.95): Interval => {
  const n = sorted.length
  const half = normalFactor(level) * Math.sqrt(n * q * (1 - q))
  const low = Math.max(1, Math.floor(n * q - half))
  const high = Math.min(n, Math.ceil(n * q + half) + 1)
  return { low: sorted[low - 1] as number, high: sorted[high - 1] as number, level }
}
