/** One metric of one cell, and how the statistics of a series become some. */
import { MILLISECOND } from '../core/clock.ts'
import type { Histogram } from '../measure/histogram.ts'

export interface Reading {
  readonly metric: string
  readonly value: number | null
  readonly n: number
  readonly warnings: readonly string[]
}

const QUANTILES: Readonly<Record<string, number>> = { p50: 0.5, p90: 0.9, p99: 0.99, p999: 0.999 }
/** A quantile is printed only with so many observations beyond it. */
export const BEYOND = 10
/** What a session costs its processes is given from so many sessions up: below, the process itself hides it. */
export const SESSIONS = 500
/** A value that is no number is none. */
export const reading = (
  metric: string,
  value: number | null,
  n: number,
  ...warnings: string[]
): Reading => ({
  metric,
  value: value === null || Number.isFinite(value) ? value : null,
  n,
  warnings,
})

/** The statistics of one series in milliseconds. `lost` observations are later than all others. */
export const seriesReadings = (
  name: string,
  statistics: readonly string[],
  h: Histogram,
  lost = 0,
): Reading[] =>
  statistics.map((statistic) => {
    const metric = `${name}.${statistic}`
    const n = h.count + lost
    if (n === 0) return reading(metric, null, 0, 'no observations')
    const inMs = (ns: number | null): number | null => (ns === null ? null : ns / MILLISECOND)
    if (statistic === 'mean')
      return reading(
        metric,
        inMs(h.mean),
        h.count,
        ...(lost > 0 ? [`of the delivered only: ${lost} lost`] : []),
      )
    if (statistic === 'max')
      return lost > 0 ? reading(metric, null, n, 'lost') : reading(metric, inMs(h.max), n)
    const q = QUANTILES[statistic] as number
    // The slack undoes 1000 * (1 - 0.99) = 10.000000000000009 and its like.
    if (n * (1 - q) < BEYOND - 1e-6)
      return reading(
        metric,
        null,
        n,
        `too few: needs ${Math.ceil(BEYOND / (1 - q) - 1e-6)} observations`,
      )
    const value = h.quantileWithLost(q, lost)
    return value === null ? reading(metric, null, n, 'lost') : reading(metric, inMs(value), n)
  })
