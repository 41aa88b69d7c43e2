/** What the events of a timeline did, second by second. */
import { SECOND } from '../../core/clock.ts'
import type { TimelineEvent } from '../../core/link-profile.ts'
import { endOf, isInstant, eventName } from '../../core/timeline.ts'
import type { SecondRow } from '../intervals.ts'
import type { Condition, Group } from '../rows.ts'
import { type Run, labelOf } from '../run.ts'
import { type Chart, INK, MUTED, PLAIN_LABELS, type Spec, opacityOf, page, panelTitle, stackScale } from './theme.ts' // prettier-ignore

const WIDTH = 640
const HEIGHT = 130
const BAND = '#f2d7c4'
const PLAIN_DASH = [6, 3]

/** One second of one stack: `time` is its middle, in seconds from the start of measure. */
interface Point {
  readonly stack: string
  readonly time: number
  readonly delivered: number
  /** Null when nothing arrived. */
  readonly p50: number | null
  readonly opacity: number
}

const middleOf = (values: readonly number[]): number | null => {
  const sorted = values.toSorted((a, b) => a - b)
  const half = sorted.length / 2
  if (sorted.length === 0) return null
  return ((sorted[Math.ceil(half) - 1] as number) + (sorted[Math.floor(half)] as number)) / 2
}

/** Medians over the repetitions that count. A second without a row is one in which nothing arrived. */
const pointsOf = (run: Run, group: Group): Point[] => {
  const cells = group.counted.flatMap(({ id }): Map<number, SecondRow>[] => {
    const rows = run.intervals.get(id)
    return rows === undefined ? [] : [new Map(rows.map((row) => [row.second, row]))]
  })
  if (cells.length === 0) return []
  const { warmup, measure } = run.scenario.phases
  const planned = Math.ceil((warmup + measure) / SECOND)
  const seconds = Math.max(planned, ...cells.flatMap((cell) => [...cell.keys()].map((k) => k + 1)))
  return Array.from({ length: seconds }, (_, second): Point => {
    const rows = cells.map((cell) => cell.get(second))
    const p50 = middleOf(rows.map((row) => row?.p50).filter((value) => typeof value === 'number'))
    return {
      stack: group.stack,
      time: second + 0.5 - warmup / SECOND,
      delivered: middleOf(rows.map((row) => row?.delivered ?? 0)) ?? 0,
      p50: p50 === null ? null : Number((p50 / 1e6).toPrecision(4)),
      opacity: opacityOf(group.outcome),
    }
  })
}

/** A band from begin to end, and a rule where something has no duration. */
const eventLayers = (run: Run, domain: readonly [number, number]): Spec[] => {
  const x = { field: 'from', type: 'quantitative' }
  const values = run.scenario.timeline.map((event: TimelineEvent, i) => ({
    from: event.at / SECOND,
    to: isInstant(event)
      ? event.at / SECOND
      : Math.min(domain[1], (endOf(event) ?? Infinity) / SECOND),
    name: eventName(event),
    // Names of neighbours stand below each other.
    y: 9 + 12 * (i % 3),
  }))
  const lasting = values.filter(({ from, to }) => to > from)
  return [
    {
      data: { values: lasting },
      mark: { type: 'rect', color: BAND, opacity: 0.6 },
      encoding: { x, x2: { field: 'to' } },
    },
    { data: { values }, mark: { type: 'rule', color: MUTED, strokeDash: [2, 2] }, encoding: { x } },
    {
      data: { values },
      mark: { type: 'text', align: 'left', dx: 4, fontSize: 10, color: INK },
      encoding: {
        x,
        y: { field: 'y', type: 'quantitative', scale: null },
        text: { field: 'name' },
      },
    },
  ]
}

interface Row {
  readonly field: 'delivered' | 'p50'
  readonly title: string
  readonly log: boolean
}
const ROWS: readonly Row[] = [
  { field: 'delivered', title: 'messages per second', log: false },
  { field: 'p50', title: 'median latency, ms (log)', log: true },
]

const rowOf = (run: Run, points: readonly Point[], row: Row): Spec => {
  const stacks = [...new Set(points.map(({ stack }) => stack))]
  const plain = new Set(run.scenario.stacks.filter((s) => s.security === 'none').map((s) => s.name))
  const domain: [number, number] = [
    Math.min(...points.map(({ time }) => time)) - 0.5,
    Math.max(...points.map(({ time }) => time)) + 0.5,
  ]
  const legend = row.log ? { title: null, orient: 'bottom', direction: 'horizontal' } : null
  const line = {
    data: { values: points },
    mark: { type: 'line', strokeWidth: 2, point: { size: 14 }, tooltip: true },
    encoding: {
      x: {
        field: 'time',
        type: 'quantitative',
        scale: { domain, nice: false },
        axis: { title: 'seconds from the start of measure', grid: false },
      },
      y: {
        field: row.field,
        type: 'quantitative',
        ...(row.log ? { scale: { type: 'log' } } : {}),
        axis: { title: row.title, tickCount: 4, labelExpr: PLAIN_LABELS },
      },
      color: {
        field: 'stack',
        type: 'nominal',
        scale: stackScale(run, stacks),
        legend,
      },
      opacity: { field: 'opacity', type: 'quantitative', scale: null, legend: null },
      strokeDash: {
        field: 'stack',
        type: 'nominal',
        scale: {
          domain: stacks,
          range: stacks.map((s) => (plain.has(s) ? PLAIN_DASH : [1, 0])),
        },
        legend,
      },
    },
  }
  const layer = [...eventLayers(run, domain), line]
  return { width: WIDTH, height: HEIGHT, layer, resolve: { scale: { y: 'independent' } } }
}

const panel = (run: Run, condition: Condition): Spec[] => {
  const points = condition.groups.flatMap((group) => pointsOf(run, group))
  if (points.length === 0) return []
  const label = labelOf(run, condition)
  const [first, ...others] = ROWS.map((row) => rowOf(run, points, row))
  return [label === '' ? { ...first } : { title: panelTitle(label), ...first }, ...others]
}

/** Deliveries and median latency over time, with the events of the timeline. Null without a timeline. */
export const timelineChart = (run: Run): Chart | null => {
  if ((run.scenario.timeline ?? []).length === 0) return null
  const panels = run.conditions.flatMap((condition) => panel(run, condition))
  if (panels.length === 0) return null
  const title = 'What happened when?'
  const caption =
    'Messages that reached the consumer in each second, and the median of their latencies, counted from the intended send time; medians over the repetitions that count. Shaded: as long as an event of the timeline holds; dotted: where it begins. A line at 0 is a stack that delivers nothing; a peak of late messages behind it is what had waited. Dashed: plain; solid: protected; pale: not simply measured.'
  return {
    name: 'timeline',
    title,
    caption,
    spec: page(
      run,
      title,
      'Deliveries and latency second by second, with the events of the timeline',
      {
        columns: 1,
        spacing: { row: 14 },
        resolve: { scale: { color: 'independent', strokeDash: 'independent' } },
        concat: panels,
      },
    ),
  }
}
