/** summary.csv: one row per cell group and metric. */
import { writeFile } from 'node:fs/promises'
import type { Outcome } from '../core/types.ts'
import { METRICS } from '../measure/metrics.ts'
import {
  type Interval,
  boundOfNone,
  identical,
  median,
  medianInterval,
} from '../measure/statistics.ts'
import { type PairedResult, baselineOf, comparePaired, droppedWords } from './compare.ts'
import { type CellResult, type Group, type Observation, observe } from './rows.ts'
import type { Run } from './run.ts'

/** The columns of summary.csv, in its order; null is printed empty. */
export interface SummaryRow {
  readonly scenario: string
  readonly stack: string
  readonly broker: string
  readonly link: string
  readonly workload: string
  readonly devices: number
  /** A metric, or `outcome`: the row that every group has. */
  readonly metric: string
  readonly unit: string
  /** Repetitions behind the median; for `outcome`, valid repetitions. */
  readonly n: number
  readonly median: number | null
  readonly ci_low: number | null
  readonly ci_high: number | null
  readonly baseline: string
  readonly ratio: number | null
  readonly ratio_low: number | null
  readonly ratio_high: number | null
  readonly outcome: Outcome
  readonly warnings: string
}

const COLUMNS = [
  'scenario',
  'stack',
  'broker',
  'link',
  'workload',
  'devices',
  'metric',
  'unit',
  'n',
  'median',
  'ci_low',
  'ci_high',
  'baseline',
  'ratio',
  'ratio_low',
  'ratio_high',
  'outcome',
  'warnings',
] as const satisfies readonly (keyof SummaryRow)[]

/** The middle of a group's repetitions. */
export interface Centre {
  readonly n: number
  /** Null when there is none, or when it falls among the lost. */
  readonly value: number | null
  readonly interval: Interval | null
  readonly exact: boolean
  readonly lost: boolean
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null)

/** The median over repetitions with its interval. A repetition whose percentile fell among the lost is larger than all others. */
export const centreOf = (observations: readonly Observation[]): Centre => {
  const values = observations.flatMap((o) => {
    if (o.value !== null) return [o.value]
    return o.lost ? [Infinity] : []
  })
  const interval = medianInterval(values)
  return {
    n: values.length,
    value: values.length === 0 ? null : finite(median(values)),
    interval: interval && Number.isFinite(interval.low) ? interval : null,
    exact: identical(values),
    lost: values.includes(Infinity),
  }
}

/** Names in order of METRICS, then what this version does not know. */
const metricsOf = (cells: readonly CellResult[]): string[] => {
  const present = new Set(cells.flatMap((cell) => [...cell.rows.keys()]))
  const known = Object.keys(METRICS).filter((name) => present.has(name))
  return [...known, ...[...present].filter((name) => !(name in METRICS)).toSorted()]
}

/** Texts of several repetitions that differ only in their numbers, as one: the first of them, and how many repetitions have it. */
const alike = (repetitions: readonly (readonly string[])[]): { text: string; count: number }[] => {
  const found = new Map<string, { text: string; where: Set<number>; same: boolean }>()
  repetitions.forEach((texts, repetition) => {
    for (const text of texts) {
      const shape = text.replace(/\d[\d.,]*/g, '#')
      const known = found.get(shape) ?? { text, where: new Set(), same: true }
      known.where.add(repetition)
      known.same &&= known.text === text
      found.set(shape, known)
    }
  })
  return [...found.values()].map(({ text, where, same }) => ({
    text: same ? text : `${text}, and alike`,
    count: where.size,
  }))
}

/** "seen everywhere; seen here (2 of 6)": what single repetitions warn of. */
const warningsOf = (cells: readonly CellResult[], metric: string): string[] =>
  alike(cells.map((cell) => cell.rows.get(metric)?.warnings ?? [])).map(({ text, count }) =>
    count === cells.length ? text : `${text} (${count} of ${cells.length})`,
  )

const comparisonWarnings = (result: PairedResult | null): string[] => {
  if (!result) return []
  if (result.lost) return ['not compared: lost']
  const dropped = droppedWords(result)
  if (result.strength === 'few') return dropped ? [dropped] : []
  const pairs = `${result.strength}, ${result.pairs} pairs`
  return dropped ? [pairs, dropped] : [pairs]
}

/** Byte counts that repeat to the last byte, and losses that were never seen. */
const exactnessWarnings = (
  metric: string,
  centre: Centre,
  observations: readonly Observation[],
): string[] => {
  const found: string[] = []
  if (centre.exact && METRICS[metric]?.unit === 'B') found.push('exact')
  const trials = observations.reduce((sum, o) => sum + o.n, 0)
  if (metric === 'delivery.lost' && centre.exact && centre.value === 0 && trials > 0)
    found.push(`under 3/n: ${boundOfNone(trials).toPrecision(2)} of ${trials} messages`)
  return found
}

const outcomeWarnings = (group: Group): string[] => {
  if (group.outcome === 'censored') return ['at least']
  return group.outcome === 'invalid' ? ['invalid: for inspection only'] : []
}

const metricRow = (run: Run, group: Group, baseline: Group | null, metric: string): SummaryRow => {
  const observations = observe(group.counted, [metric])
  const centre = centreOf(observations)
  const result = baseline && comparePaired(group, baseline, [metric])
  const high = centre.interval?.high
  return {
    ...identityOf(run, group),
    metric,
    unit: METRICS[metric]?.unit ?? group.counted[0]?.rows.get(metric)?.unit ?? '',
    n: centre.n,
    median: centre.value,
    ci_low: centre.interval?.low ?? null,
    ci_high: high === undefined ? null : finite(high),
    baseline: result ? result.baseline.stack : '',
    ratio: result?.ratio ?? null,
    ratio_low: result?.ratioInterval?.low ?? null,
    ratio_high: result?.ratioInterval?.high ?? null,
    warnings: [
      ...outcomeWarnings(group),
      ...warningsOf(group.counted, metric),
      ...exactnessWarnings(metric, centre, observations),
      ...comparisonWarnings(result),
    ].join('; '),
  }
}

const identityOf = (
  run: Run,
  group: Group,
): Pick<
  SummaryRow,
  'scenario' | 'stack' | 'broker' | 'link' | 'workload' | 'devices' | 'outcome'
> => ({
  scenario: run.scenario.name,
  stack: group.stack,
  broker: group.broker,
  link: group.link,
  workload: group.workload,
  devices: group.devices,
  outcome: group.outcome,
})

const outcomeRow = (run: Run, group: Group): SummaryRow => ({
  ...identityOf(run, group),
  metric: 'outcome',
  unit: '',
  n: group.cells.filter((cell) => cell.outcome === 'measured').length,
  median: null,
  ci_low: null,
  ci_high: null,
  baseline: '',
  ratio: null,
  ratio_low: null,
  ratio_high: null,
  warnings: reasonsOf(group).join('; '),
})

/** The reasons of all repetitions, those that differ only in numbers once, with how many of the repetitions gave it. */
export const reasonsOf = (group: Group): string[] =>
  alike(
    group.cells.map((cell) =>
      cell.reasons.map((reason) =>
        cell.outcome === 'measured' ? reason : `${cell.outcome}: ${reason}`,
      ),
    ),
  ).map(({ text, count }) => `${text} (${count} of ${group.cells.length} repetitions)`)

/** For every group its outcome and its metrics, in the scenario's order. */
export const summarise = (run: Run): SummaryRow[] =>
  run.conditions.flatMap((condition) =>
    condition.groups.flatMap((group) => [
      outcomeRow(run, group),
      ...metricsOf(group.counted).map((metric) =>
        metricRow(run, group, baselineOf(run, condition, group), metric),
      ),
    ]),
  )

/** 9 significant digits: the last bits of a double are noise that makes files differ. */
const field = (value: string | number | null): string => {
  if (value === null) return ''
  if (typeof value === 'number') return String(Number(value.toPrecision(9)))
  return /[",\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}

/** RFC 4180 with a header line, but with plain line feeds. */
export const summaryCsv = (rows: readonly SummaryRow[]): string =>
  [COLUMNS.join(','), ...rows.map((row) => COLUMNS.map((name) => field(row[name])).join(','))].join(
    '\n',
  ) + '\n'

export const writeSummaryCsv = async (path: string, rows: readonly SummaryRow[]): Promise<void> =>
  writeFile(path, summaryCsv(rows))
