import {
  type PairedResult,
  QUANTITIES,
  type Quantity,
  baselineOf,
  comparePaired,
} from '../compare.ts'
import { number, withUnit } from '../format.ts'
import type { Condition } from '../rows.ts'
import type { Run } from '../run.ts'
import { arrange, panelWidth } from './panels.ts'
import { type Chart, INK, MUTED, type Spec, page, stackScale } from './theme.ts'

/** The tail is left out: it belongs to the table, where its footnotes are. */
const SHOWN = QUANTITIES.filter((quantity) => quantity.name !== 'latency p99')

interface Row {
  readonly quantity: string
  readonly stack: string
  readonly ratio: number
  readonly low: number
  readonly high: number
  readonly strength: string
  readonly text: string
}

const signed = (value: number, unit: string): string =>
  `${value > 0 ? '+' : ''}${withUnit(value, unit)}`

const rowOf = (result: PairedResult, quantity: Quantity): Row => {
  const difference = signed(result.difference ?? 0, quantity.unit)
  const note = result.strength === 'claim' ? '' : `, ${result.strength}`
  const ratio = result.ratio === null ? '' : `×${number(result.ratio)} · `
  return {
    quantity: quantity.name,
    stack: result.stack.stack,
    ratio: result.ratio ?? 1,
    low: result.ratioInterval?.low ?? 1,
    high: result.ratioInterval?.high ?? 1,
    strength: result.strength,
    text: `${result.stack.stack}  ${ratio}${difference}${note}`,
  }
}

const rowsOf = (run: Run, condition: Condition): Row[] =>
  SHOWN.flatMap((quantity) =>
    condition.groups.flatMap((group) => {
      const baseline = baselineOf(run, condition, group)
      const result = baseline && comparePaired(group, baseline, quantity.metrics, quantity.further)
      return result && result.strength !== 'few' ? [rowOf(result, quantity)] : []
    }),
  )

/** Ticks of a ratio: few, round, with 1 among them. */
const ticks = (low: number, high: number): number[] => {
  const near = high / low < 1.5 ? [0.95, 0.98, 1.02, 1.05] : []
  const all = [0.05, 0.1, 0.2, 0.5, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2, 3, 5, 10, 20, 50, 100, ...near]
  const inside = all.filter((tick) => tick >= low && tick <= high)
  const wide = high / low > 4
  return inside.filter((tick) => !wide || ![0.8, 0.9, 1.1, 1.25, 1.5, 3].includes(tick))
}

/** Pixels that the texts behind the points need. */
const TEXT_ROOM = 260

interface Axis {
  readonly low: number
  readonly high: number
  readonly width: number
}

const ratioAxis = ({ low, high, width }: Axis): Spec => ({
  type: 'quantitative',
  scale: {
    type: 'log',
    // The axis goes on without ticks where the texts stand.
    domain: [low, high * (high / low) ** (TEXT_ROOM / (width - TEXT_ROOM))],
    nice: false,
  },
  axis: {
    title: 'times the baseline (log scale)',
    titleAnchor: 'start',
    values: ticks(low, high),
    format: '~g',
  },
})

const rowAxes = (stacks: readonly string[]): Spec => ({
  y: {
    field: 'quantity',
    type: 'nominal',
    sort: SHOWN.map((quantity) => quantity.name),
    axis: {
      title: null,
      ticks: false,
      domain: false,
      labelPadding: 10,
      grid: true,
      tickBand: 'extent',
    },
  },
  yOffset: { field: 'stack', type: 'nominal', sort: stacks },
})

const point = (filled: boolean): Spec => ({
  type: 'point',
  size: 75,
  opacity: 1,
  strokeWidth: 2,
  tooltip: { content: 'data' },
  ...(filled ? { filled } : { fill: '#ffffff' }),
})

const panel = (run: Run, rows: readonly Row[], axis: Axis): Spec => {
  const stacks = [...new Set(rows.map((row) => row.stack))]
  const y = rowAxes(stacks)
  const x = ratioAxis(axis)
  const color = { field: 'stack', type: 'nominal', scale: stackScale(run, stacks), legend: null }
  const firm = "datum.strength === 'claim'"
  const text = { field: 'text', type: 'nominal' }
  return {
    width: axis.width,
    height: { step: 24 * stacks.length + 10, for: 'position' },
    data: { values: rows },
    layer: [
      {
        data: { values: [{ one: 1 }] },
        mark: { type: 'rule', color: MUTED, strokeDash: [4, 3] },
        encoding: { x: { ...x, field: 'one' } },
      },
      {
        mark: { type: 'rule', strokeWidth: 2 },
        encoding: { ...y, x: { ...x, field: 'low' }, x2: { field: 'high' }, color },
      },
      {
        transform: [{ filter: firm }],
        mark: point(true),
        encoding: { ...y, x: { ...x, field: 'ratio' }, color },
      },
      {
        transform: [{ filter: `!(${firm})` }],
        mark: point(false),
        encoding: { ...y, x: { ...x, field: 'ratio' }, color },
      },
      {
        mark: { type: 'text', align: 'left', dx: 9, color: INK },
        encoding: { ...y, x: { ...x, field: 'high' }, text },
      },
    ],
  }
}

/** What security costs: each protected stack against the plain stack of the same protocol, paired by repetition. Null without pairs. */
export const overheadChart = (run: Run): Chart | null => {
  const rows = run.conditions.map((condition) => rowsOf(run, condition))
  const all = rows.flat()
  if (all.length === 0) return null
  const low = Math.min(0.97, ...all.map((row) => row.low)) * 0.97
  const high = Math.max(1.05, ...all.map((row) => row.high)) * 1.03
  const title = 'What does security cost against the plain stack?'
  const caption =
    'Each point is a ratio to the baseline of the same protocol, paired by repetition, with its 95 % Student t interval on logarithms; the text gives the ratio and the difference. The dashed line is no change. Filled: a claim (6 or more pairs, the sign-flip test agrees, and the effect is relevant). Hollow: preliminary or unclear, as the text says. Stacks whose cells, or whose baseline’s cells, are not valid are absent.'
  return {
    name: 'overhead',
    title,
    caption,
    spec: page(
      run,
      title,
      'Ratio to the baseline of the same protocol, with 95 % intervals',
      arrange(run, (condition) => {
        const own = rows[run.conditions.indexOf(condition)] ?? []
        return own.length === 0
          ? null
          : panel(run, own, { low, high, width: panelWidth(run, 640, 440) })
      }),
    ),
  }
}
