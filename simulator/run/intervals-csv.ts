/** The text of intervals.csv (docs/results.md): a line for each second in which something was received, or of the timeline happened. */
import type { Nanoseconds } from '../core/clock.ts'
import type { TimelineEvent } from '../core/link-profile.ts'
import { edgesBySecond } from '../core/timeline.ts'
import type { Second } from '../measure/intervals.ts'

const HEADER = 'second,delivered,latency_p50_ns,latency_p99_ns,latency_max_ns,events'

/** @param warmup how long it lasts: seconds count from its begin, times of the timeline from its end */
export const intervalsCsv = (
  seconds: readonly Second[],
  timeline: readonly TimelineEvent[],
  warmup: Nanoseconds,
): string => {
  const events = edgesBySecond(timeline, warmup)
  const known = new Map(seconds.map((row) => [row.second, row]))
  const all = [...new Set([...known.keys(), ...events.keys()])].toSorted((a, b) => a - b)
  const lines = all.map((second) => {
    const row = known.get(second)
    const values = row === undefined ? [0, '', '', ''] : [row.delivered, row.p50, row.p99, row.max]
    return [second, ...values, (events.get(second) ?? []).join('; ')].join()
  })
  return [HEADER, ...lines, ''].join('\n')
}
