/** Pass or fail for continuous integration: the thresholds of the scenario against the medians of the run. */
import type { Threshold } from '../core/types.ts'
import type { SummaryRow } from './summary.ts'

const selects = (threshold: Threshold, row: SummaryRow): boolean =>
  row.metric === threshold.metric &&
  (threshold.stack === null || row.stack === threshold.stack) &&
  (threshold.link === null || row.link === threshold.link)

const holds = ({ bound, value }: Threshold, median: number): boolean =>
  bound === 'below' ? median < value : median > value

/** One sentence for each threshold and group that does not hold. One that cannot be judged does not hold: silence is no success. */
export const crossedThresholds = (
  thresholds: readonly Threshold[],
  rows: readonly SummaryRow[],
): string[] =>
  thresholds.flatMap((threshold) => {
    const wanted = `${threshold.metric} ${threshold.bound} ${threshold.text}`
    const found = rows.filter((row) => selects(threshold, row))
    if (found.length === 0) return [`${wanted}: nothing was measured`]
    return found
      .filter(({ median }) => median === null || !holds(threshold, median))
      .map(({ median, unit, stack, link }) => {
        const was = median === null ? 'it has no value' : `it is ${median} ${unit}`
        return `${wanted}: ${was} for ${stack} on ${link}`
      })
  })
