/** What a table prints for a group: one number with what is known about it beside it. */
import { METRICS } from '../measure/metrics.ts'
import { boundOfNone } from '../measure/statistics.ts'
import type { Column } from './columns.ts'
import { number, percent, range } from './format.ts'
import { type Group, observe } from './rows.ts'
import { centreOf } from './summary.ts'

export interface Shown {
  readonly main: string
  /** Interval, parts of a sum, or a bound; shown where there is room. */
  readonly aside: string
}

const NOTHING: Shown = { main: '–', aside: '' }

/** A saturated instrument gives a bound, and an invalid one a number in brackets that must not be compared. */
const qualified = (group: Group, text: string): string => {
  if (group.outcome === 'censored') return `≥ ${text}`
  return group.outcome === 'invalid' ? `(${text})` : text
}

const shares = (group: Group): Shown => {
  const ratio = observe(group.counted, ['delivery.ratio'])
  const centre = centreOf(ratio)
  if (centre.value === null) return NOTHING
  const trials = ratio.reduce((sum, o) => sum + o.n, 0)
  const none = centre.exact && centre.value === 1 && trials > 0
  const aside = none ? `lost < ${percent(boundOfNone(trials))}` : ''
  return { main: qualified(group, percent(centre.value).replace(/\s%$/, '')), aside }
}

const parts = (group: Group, metrics: readonly string[]): string =>
  metrics.map((metric) => number(centreOf(observe(group.counted, [metric])).value ?? 0)).join(' + ')

export const show = (group: Group, column: Column): Shown => {
  if (column.metrics[0] === 'delivery.ratio') return shares(group)
  const centre = centreOf(observe(group.counted, column.metrics))
  if (centre.value === null) return centre.lost ? { main: 'lost', aside: '' } : NOTHING
  const main = qualified(group, number(centre.value))
  if (column.metrics.length > 1) return { main, aside: `(${parts(group, column.metrics)})` }
  if (centre.exact && METRICS[column.metrics[0] ?? '']?.unit === 'B')
    return { main, aside: 'exact' }
  // An interval around a bound would say more than is known.
  const known = group.outcome === 'measured' && centre.interval
  return { main, aside: known ? range(known) : '' }
}
