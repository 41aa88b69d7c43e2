/** Numbers of a group as charts need them. */
import { mean } from '../../measure/statistics.ts'
import { number } from '../format.ts'
import { type Group, observe } from '../rows.ts'
import { centreOf } from '../summary.ts'

/** The median over the counted repetitions; null when there is none. */
export const middle = (group: Group, ...metrics: readonly string[]): number | null =>
  centreOf(observe(group.counted, metrics)).value

/** The mean over the counted repetitions: means of parts add up to the mean of the whole, medians do not. */
export const average = (group: Group, metric: string): number | null => {
  const values = observe(group.counted, [metric]).flatMap((o) =>
    o.value === null ? [] : [o.value],
  )
  return values.length === 0 ? null : mean(values)
}

/** A value behind a bar; that of a saturated instrument is a lower bound. */
export const bounded = (group: Group, value: number): string =>
  `${group.outcome === 'censored' ? '≥ ' : ''}${number(value)}`
