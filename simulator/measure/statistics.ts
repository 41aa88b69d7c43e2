/** Summaries of few values: one per repetition, never one per message. */
import { studentQuantile } from './student.ts'

export interface Interval {
  readonly low: number
  readonly high: number
  /** The probability with which such an interval covers the truth. */
  readonly level: number
}

const sorted = (values: readonly number[]): number[] => values.toSorted((a, b) => a - b)

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length

/** The unbiased variance (n - 1). NaN for fewer than two values. */
export const variance = (values: readonly number[]): number => {
  const centre = mean(values)
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1)
}

/** The middle value, or the mean of the two middle ones. NaN when empty. */
export const median = (values: readonly number[]): number => {
  const ordered = sorted(values)
  const middle = ordered.length >> 1
  const upper = ordered[middle] ?? Number.NaN
  return ordered.length % 2 === 1 ? upper : ((ordered[middle - 1] ?? Number.NaN) + upper) / 2
}

/**
 * The order statistics that cover the median with at least `level`, and the probability with which they really do: the
 * k-th smallest and k-th largest value cover it with 1 - 2 P(Binomial(n, 1/2) < k), whatever the distribution.
 * Null below 6 values, where even the extremes cover less than 95 %.
 */
export const medianInterval = (values: readonly number[], level = 0.95): Interval | null => {
  const n = values.length
  let below = 2 ** -n
  if (n === 0 || 1 - 2 * below < level) return null
  let k = 1
  let term = below
  for (;;) {
    term *= (n - k + 1) / k
    if (1 - 2 * (below + term) < level) break
    below += term
    k++
  }
  const ordered = sorted(values)
  return { low: ordered[k - 1] as number, high: ordered[n - k] as number, level: 1 - 2 * below }
}

/** Student's t interval of the mean. Null for fewer than two values. */
export const meanInterval = (values: readonly number[], level = 0.95): Interval | null => {
  const n = values.length
  if (n < 2) return null
  const half = studentQuantile(level, n - 1) * Math.sqrt(variance(values) / n)
  return { low: mean(values) - half, high: mean(values) + half, level }
}

/** All equal to the last bit, in at least two values: byte counts that do not depend on chance. */
export const identical = (values: readonly number[]): boolean =>
  values.length > 1 && values.every((value) => value === values[0])

/** None seen in `n` trials: the upper end of the 95 % interval of the rate (the rule of three: -ln 0.05 is 3.0). */
export const boundOfNone = (n: number): number => 3 / n
