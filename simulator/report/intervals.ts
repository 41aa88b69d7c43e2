/** intervals.csv as data (docs/results.md). */
import type { Nanoseconds } from '../core/clock.ts'

export interface SecondRow {
  /** Seconds since warm-up began. */
  readonly second: number
  readonly delivered: number
  /** Null when nothing was received in it. */
  readonly p50: Nanoseconds | null
}

/** Columns are found by their place: later releases add some at the end. */
export const parseIntervals = (text: string): SecondRow[] =>
  text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => {
      const [second = '', delivered = '', p50 = ''] = line.split(',')
      return {
        second: Number(second),
        delivered: Number(delivered),
        p50: p50 === '' ? null : Number(p50),
      }
    })
