/** Each stack against its baseline, repetition by repetition, in the same condition. */
import { METRICS } from '../measure/metrics.ts'
import { type Comparison, type Relevance, compare, relevanceOf } from '../measure/paired.ts'
import { median } from '../measure/statistics.ts'
import { type Condition, type Group, type Observation, observe } from './rows.ts'
import type { Run } from './run.ts'

/** Something worth comparing: one metric, or the sum of several. */
export interface Quantity {
  readonly name: string
  /** As a sentence says it: "mqtt-tls raises bytes on the wire per message by 28 %". */
  readonly words: string
  readonly unit: string
  readonly metrics: readonly string[]
  /** Added where a stack has them. */
  readonly further?: readonly string[]
}

/** What the table, the findings and the overhead chart speak of, in this order. */
export const QUANTITIES: readonly Quantity[] = [
  {
    name: 'bytes per message',
    words: 'bytes on the wire per message',
    unit: 'B',
    metrics: ['wire.bytes_per_message.up', 'wire.bytes_per_message.down'],
  },
  {
    name: 'bytes to connect',
    words: 'bytes on the wire per connection',
    unit: 'B',
    metrics: ['wire.connect_bytes.up', 'wire.connect_bytes.down'],
  },
  {
    name: 'connect time',
    words: 'median time to connect',
    unit: 'ms',
    metrics: ['connect.application.p50'],
  },
  {
    name: 'bytes after wake-up',
    words: 'bytes on the wire from wake-up to the first delivery',
    unit: 'B',
    metrics: ['wire.wake_bytes.up', 'wire.wake_bytes.down'],
  },
  {
    name: 'time after wake-up',
    words: 'median time from wake-up to the first delivery',
    unit: 'ms',
    metrics: ['wake.first_delivery.p50'],
  },
  {
    name: 'idle bytes',
    words: 'bytes on the wire per idle hour',
    unit: 'B',
    metrics: ['wire.idle_bytes_per_hour'],
  },
  { name: 'latency p50', words: 'median latency', unit: 'ms', metrics: ['latency.p50'] },
  {
    name: 'latency p99',
    words: '99th percentile of latency',
    unit: 'ms',
    metrics: ['latency.p99'],
  },
  {
    name: 'broker CPU',
    words: 'CPU time of the server per message',
    unit: 'us',
    metrics: ['cpu.broker_us_per_message'],
    further: ['cpu.front_end_us_per_message'],
  },
]

/** Sent in vain, or still waiting at the end. */
export const UNDELIVERED: Quantity = {
  name: 'undelivered',
  words: 'what is not delivered',
  unit: 'messages',
  metrics: ['delivery.lost', 'delivery.not_sent'],
}

export interface PairedResult extends Comparison {
  readonly stack: Group
  readonly baseline: Group
  /** Repetitions whose value is not compared on the stack's side, and on the baseline's: not valid, or a latency on a busy processor. */
  readonly dropped: { readonly stack: number; readonly baseline: number }
  /** A percentile fell among the lost in a repetition: nothing is compared, because leaving it out would favour losing. */
  readonly lost: boolean
}

/** The group that this one is compared with; null for a baseline, or when the baseline was not run. */
export const baselineOf = (run: Run, condition: Condition, group: Group): Group | null => {
  const name = run.scenario.baseline[group.stack]
  if (name === undefined || name === group.stack) return null
  return condition.groups.find((other) => other.stack === name) ?? null
}

const invalid = (group: Group): number =>
  group.cells.filter((cell) => cell.outcome !== 'measured').length

const claimed = (observations: readonly Observation[]): Observation[] =>
  observations.filter((observation) => !observation.notClaimed)

/**
 * The probes' error at the percentile that is compared, in ms: the larger of both sides' medians; 0 when it was not measured.
 * Where the probes are too few for the percentile, their largest error stands for it.
 */
const probeError = (groups: readonly Group[], metric: string): number => {
  const statistic = { p50: 'p50', mean: 'p50', p90: 'p90' }[metric.split('.').at(-1) ?? ''] ?? 'p99'
  const medianOf = (group: Group, name: string): number => {
    const values = observe(group.counted, [`probe.error.${name}`])
    return median(values.flatMap(({ value }) => (value === null ? [] : [value])))
  }
  const errors = groups.map((group) => {
    const error = medianOf(group, statistic)
    return Number.isNaN(error) ? medianOf(group, 'max') : error
  })
  return Math.max(0, ...errors.filter((error) => !Number.isNaN(error)))
}

/** No claim about a time is smaller than the instrument's own error. */
const limitOf = (groups: readonly Group[], metric: string): Relevance => {
  const unit = METRICS[metric]?.unit ?? ''
  const limit = relevanceOf(unit)
  if (unit !== 'ms') return limit
  return { ...limit, absolute: Math.max(limit.absolute, probeError(groups, metric)) }
}

/** Only in repetitions that are valid on both sides, and only between measured groups; null otherwise. */
export const comparePaired = (
  stack: Group,
  baseline: Group,
  metrics: readonly string[],
  further: readonly string[] = [],
): PairedResult | null => {
  if (stack.outcome !== 'measured' || baseline.outcome !== 'measured') return null
  const all = observe(stack.counted, metrics, further)
  const allOthers = observe(baseline.counted, metrics, further)
  const values = claimed(all)
  const others = new Map(claimed(allOthers).map((o) => [o.repetition, o]))
  const both = values.flatMap((observation) => {
    const other = others.get(observation.repetition)
    return other ? [{ observation, other }] : []
  })
  if (both.length === 0) return null
  const lost = both.some(({ observation, other }) => observation.lost || other.lost)
  const pairs = both.flatMap(({ observation, other }) =>
    observation.value === null || other.value === null
      ? []
      : [{ value: observation.value, baseline: other.value }],
  )
  return {
    ...compare(lost ? [] : pairs, limitOf([stack, baseline], metrics[0] ?? '')),
    stack,
    baseline,
    dropped: {
      stack: invalid(stack) + all.length - values.length,
      baseline: invalid(baseline) + allOthers.length - others.size,
    },
    lost,
  }
}

/** In words, or null when nothing was dropped: "dropped as not valid or too busy: 1 of mqtt-tls, 2 of mqtt-tcp". */
export const droppedWords = (result: PairedResult): string | null => {
  const sides = [
    { name: result.stack.stack, count: result.dropped.stack },
    { name: result.baseline.stack, count: result.dropped.baseline },
  ].filter((side) => side.count > 0)
  if (sides.length === 0) return null
  const words = sides.map((side) => `${side.count} of ${side.name}`)
  return `dropped as not valid or too busy: ${words.join(', ')}`
}
