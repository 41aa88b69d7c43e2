import { percent } from '../format.ts'
import type { Run } from '../run.ts'
import { type Curve, curveOf } from './curves.ts'
import { arrange, panelWidth } from './panels.ts'
import {
  type Chart,
  INK,
  MUTED,
  PLAIN_LABELS,
  type Spec,
  coloursOf,
  opacityOf,
  page,
} from './theme.ts'
import { bounded, middle } from './values.ts'

const HEIGHT = 300
const PLAIN_DASH = [6, 3]

type Domain = readonly [low: number, high: number]

/** Round values of a logarithmic axis: the wider it is, the fewer per decade. */
const stepsFor = (decades: number): readonly number[] => {
  if (decades > 3) return [1]
  if (decades > 1.3) return [1, 2, 5]
  return decades > 0.5
    ? [1, 1.5, 2, 3, 4, 5, 7]
    : [1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3, 3.5, 4, 4.5, 5, 6, 7, 8, 9]
}

const ticks = ([low, high]: Domain): number[] => {
  const steps = stepsFor(Math.log10(high / low))
  const found: number[] = []
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++)
    for (const step of steps) {
      const tick = Number((step * 10 ** power).toPrecision(2))
      if (tick >= low && tick <= high) found.push(tick)
    }
  return found
}

/** How one stack is drawn, in the plot and in its key. */
interface Line {
  readonly curve: Curve
  readonly color: string
  readonly dash: readonly number[]
}

const lineLayer = ({ curve, color, dash }: Line, domain: Domain): Spec => {
  const last = curve.points.at(-1)
  // Level to the end of the axis: what is missing up to 100 % never arrived.
  const values = last ? [...curve.points, { ms: domain[1], share: last.share }] : curve.points
  return {
    data: { values },
    mark: {
      type: 'line',
      interpolate: 'step-after',
      strokeWidth: 2,
      strokeDash: dash,
      color,
      opacity: opacityOf(curve.group.outcome),
    },
    encoding: {
      x: {
        field: 'ms',
        type: 'quantitative',
        scale: { type: 'log', domain, nice: false },
        axis: {
          title: 'latency, ms (log scale)',
          values: ticks(domain),
          labelExpr: PLAIN_LABELS,
        },
      },
      y: {
        field: 'share',
        type: 'quantitative',
        scale: { domain: [0, 1] },
        axis: {
          title: 'share of intended messages',
          values: [0, 0.25, 0.5, 0.75, 1],
          format: '.0%',
        },
      },
    },
  }
}

const detailOf = ({ group, lost }: Curve): string => {
  const median = middle(group, 'latency.p50')
  return [
    ...(median === null ? [] : [`median ${bounded(group, median)} ms`]),
    ...(lost > 0 ? [`${percent(lost)} lost`] : []),
    ...(group.outcome === 'measured' ? [] : [group.outcome]),
  ].join(', ')
}

/** The key beside the plot, in order of the medians: a piece of each line, its name, and what must be said about it. */
const keyLayers = (lines: readonly Line[], width: number): Spec[] => {
  const step = Math.min(38, HEIGHT / lines.length)
  return lines.flatMap(({ curve, color, dash }, i) => {
    const y = { value: 12 + step * i }
    const one = { data: { values: [{}] } }
    const text = { type: 'text', align: 'left', baseline: 'middle' }
    return [
      {
        ...one,
        mark: {
          type: 'rule',
          strokeWidth: 2,
          strokeDash: dash,
          color,
          opacity: opacityOf(curve.group.outcome),
        },
        encoding: { x: { value: width + 16 }, x2: { value: width + 44 }, y },
      },
      {
        ...one,
        mark: { ...text, color: INK, fontWeight: 'bold', text: curve.group.stack },
        encoding: { x: { value: width + 50 }, y },
      },
      {
        ...one,
        mark: { ...text, color: MUTED, fontSize: 10, text: detailOf(curve) },
        encoding: { x: { value: width + 50 }, y: { value: 12 + step * i + 14 } },
      },
    ]
  })
}

const panel = (run: Run, curves: readonly Curve[], domain: Domain): Spec => {
  const colours = coloursOf(run)
  const plain = new Set(run.scenario.stacks.filter((s) => s.security === 'none').map((s) => s.name))
  const lines = curves
    .map((curve) => ({
      curve,
      color: colours.get(curve.group.stack) ?? MUTED,
      dash: plain.has(curve.group.stack) ? PLAIN_DASH : [1, 0],
    }))
    .sort(
      (a, b) =>
        (middle(a.curve.group, 'latency.p50') ?? Infinity) -
        (middle(b.curve.group, 'latency.p50') ?? Infinity),
    )
  const width = panelWidth(run, 580, 270)
  return {
    width,
    height: HEIGHT,
    layer: [...lines.map((line) => lineLayer(line, domain)), ...keyLayers(lines, width)],
  }
}

/** The whole distribution of latency, merged over repetitions; lost messages keep a curve below 1. Null without histograms. */
export const latencyChart = (run: Run): Chart | null => {
  const curves = run.conditions.map((condition) =>
    condition.groups.map((group) => curveOf(run, group)).filter((curve) => curve !== null),
  )
  const all = curves.flat().flatMap((curve) => curve.points.map((point) => point.ms))
  if (all.length === 0) return null
  const least = all.reduce((a, b) => Math.min(a, b))
  const most = all.reduce((a, b) => Math.max(a, b))
  const title = 'How late do messages arrive?'
  const caption =
    'Each curve says which share of all intended messages had reached the consumer after so many milliseconds, counted from the intended send time and merged over the repetitions that count. Further left is faster; a long way to the right near the top is a slow tail; a curve that levels off below 100 % lost messages. Dashed: plain; solid: protected; pale: not simply measured.'
  return {
    name: 'latency',
    title,
    caption,
    spec: page(
      run,
      title,
      'Share of intended messages delivered within a time; dashed: plain, solid: protected',
      arrange(run, (condition) => {
        const own = curves[run.conditions.indexOf(condition)] ?? []
        return own.length === 0 ? null : panel(run, own, [least * 0.9, most * 1.15])
      }),
    ),
  }
}
