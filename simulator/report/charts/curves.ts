/** Latency distributions as curves: merged over repetitions, thinned, with the lost counted. */
import { Histogram } from '../../measure/histogram.ts'
import { type Group, observe } from '../rows.ts'
import type { Run } from '../run.ts'

export interface CurvePoint {
  readonly ms: number
  /** Share of intended messages delivered by then. */
  readonly share: number
}

export interface Curve {
  readonly group: Group
  readonly points: readonly CurvePoint[]
  /** Share of intended messages that never arrived. */
  readonly lost: number
}

/** A step is kept where the curve moves by 1/500 of its height or 1/400 of a decade: at most 500 points, and 400 per decade. */
export const thinned = (histogram: Histogram, lost: number): CurvePoint[] => {
  const all = histogram.ecdf(lost)
  const kept: CurvePoint[] = []
  let lastShare = -1
  let lastLog = -Infinity
  for (const [i, point] of all.entries()) {
    // A log axis has no zero: what took less than a microsecond is drawn there.
    const ms = Math.max(point.value / 1e6, 1e-3)
    const log = Math.log10(ms)
    const moved = point.fraction - lastShare >= 0.002 || log - lastLog >= 0.0025
    if (!moved && i < all.length - 1) continue
    kept.push({ ms: Number(ms.toPrecision(5)), share: Number(point.fraction.toFixed(5)) })
    lastShare = point.fraction
    lastLog = log
  }
  return capped(kept, 1000)
}

/** Every k-th point and the last: distributions over many decades have more points than an eye can see. */
const capped = (points: readonly CurvePoint[], most: number): CurvePoint[] => {
  const step = Math.ceil(points.length / (most - 1))
  return points.filter((_, i) => i % step === 0 || i === points.length - 1)
}

/** Null for a group without latencies. */
export const curveOf = (run: Run, group: Group): Curve | null => {
  const merged = new Histogram()
  let lost = 0
  for (const cell of group.counted) {
    const latency = run.histograms.get(cell.id)?.['latency']
    if (!latency || latency.count === 0) continue
    merged.merge(Histogram.fromJSON(latency))
    const ratio = observe([cell], ['delivery.ratio'])[0]?.value ?? 1
    lost += ratio > 0 ? Math.max(0, Math.round(latency.count / ratio) - latency.count) : 0
  }
  if (merged.count === 0) return null
  return { group, points: thinned(merged, lost), lost: lost / (merged.count + lost) }
}
