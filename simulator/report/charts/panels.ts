/** Panels: one per condition, side by side, and the horizontal bars that most of them hold. */
import { type Condition, type Group } from '../rows.ts'
import { type Run, labelOf } from '../run.ts'
import { INK, PLAIN_LABELS, type Spec, markOf, opacityOf, panelTitle } from './theme.ts'

/** Width of the drawing area in pixels: all of the page for one panel, half of it for each of several. */
export const panelWidth = (run: Run, whole = 620, half = 300): number =>
  run.conditions.length === 1 ? whole : half

/** One panel per condition that has something to show, at most two beside each other. */
export const arrange = (run: Run, panel: (condition: Condition) => Spec | null): Spec => {
  const panels = run.conditions.flatMap((condition) => {
    const spec = panel(condition)
    const label = labelOf(run, condition)
    if (!spec) return []
    return [label === '' ? spec : { title: panelTitle(label), ...spec }]
  })
  return { columns: 2, spacing: { row: 30, column: 36 }, concat: panels }
}

/** One stacked piece of a bar. */
export interface Piece {
  readonly part: string
  readonly value: number
}

export interface Bar {
  readonly group: Group
  readonly pieces: readonly Piece[]
  /** Printed behind the bar. */
  readonly text: string
  /** Where that text starts, when something reaches further than the bar. */
  readonly textFrom?: number
}

export interface BarStyle {
  readonly width: number
  /** The end of the value axis, the same in all panels. */
  readonly most: number
  readonly axis: string
  /** Name of the parts. */
  readonly parts: string
  readonly legend: boolean
  /** Part -> colour, in the order in which they are stacked. */
  readonly colours: Readonly<Record<string, string>>
  /** An axis without stack names, where another panel beside it has them. */
  readonly names: boolean
}

/** The place of a group that has no value here: a chart never leaves a stack out in silence. */
export const emptyBar = (group: Group): Bar => ({ group, pieces: [], text: 'no data' })

export const lengthOf = (bar: Bar): number =>
  bar.pieces.reduce((sum, piece) => sum + piece.value, 0)

/** Behind the longest bar there is room for its text. */
export const withRoomForText = (largest: number, share = 0.5): number =>
  (largest || 1) * (1 + share)

const rowsOf = (bars: readonly Bar[], parts: readonly string[]): Spec[] =>
  bars.flatMap(({ group, pieces }) => {
    let start = 0
    return pieces.map(({ part, value }) => {
      const row = {
        stack: group.stack,
        part,
        order: parts.indexOf(part),
        start,
        end: start + value,
        value,
        opacity: opacityOf(group.outcome),
        outcome: group.outcome,
      }
      start += value
      return row
    })
  })

/** Horizontal bars, one per stack, whose pieces add up; pale and named where the cells are not simply measured. */
export const stackedBars = (bars: readonly Bar[], style: BarStyle): Spec => {
  const parts = Object.keys(style.colours)
  const order = bars.map((bar) => bar.group.stack)
  const y = {
    field: 'stack',
    type: 'nominal',
    sort: order,
    axis: style.names ? { title: null, ticks: false, domain: false, labelPadding: 8 } : null,
  }
  const texts = bars.map((bar) => ({
    stack: bar.group.stack,
    end: Math.max(bar.textFrom ?? 0, lengthOf(bar)),
    text: `${bar.text}${markOf(bar.group.outcome)}`,
  }))
  return {
    width: style.width,
    height: { step: 30 },
    layer: [
      {
        data: { values: rowsOf(bars, parts) },
        mark: { type: 'bar', height: 18, tooltip: true },
        encoding: {
          y,
          x: {
            field: 'start',
            type: 'quantitative',
            scale: { domain: [0, style.most], nice: false },
            axis: { title: style.axis, tickCount: 5, grid: true, labelExpr: PLAIN_LABELS },
          },
          x2: { field: 'end' },
          color: {
            field: 'part',
            type: 'nominal',
            scale: { domain: parts, range: Object.values(style.colours) },
            legend: style.legend
              ? { title: style.parts, orient: 'bottom', direction: 'horizontal' }
              : null,
          },
          opacity: { field: 'opacity', type: 'quantitative', scale: null, legend: null },
          tooltip: [
            { field: 'stack', title: 'stack' },
            { field: 'part', title: style.parts },
            { field: 'value', title: style.axis, format: ',.4~r' },
            { field: 'outcome', title: 'outcome' },
          ],
        },
      },
      {
        data: { values: texts },
        mark: { type: 'text', align: 'left', dx: 6, color: INK },
        encoding: {
          y,
          x: { field: 'end', type: 'quantitative' },
          text: { field: 'text', type: 'nominal' },
        },
      },
    ],
  }
}
