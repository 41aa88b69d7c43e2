/** The table at the end of a run: one block per condition, one row per stack, doubts as footnotes. */
import { type Shown, show } from './cells.ts'
import { type Column, columnsOf } from './columns.ts'
import { plural } from './format.ts'
import type { Condition, Group } from './rows.ts'
import { type Run, fullLabelOf } from './run.ts'
import { reasonsOf } from './summary.ts'

/** Which columns keep their asides when there is little room: the first ones longest. */
const KEEP = [0, 5, 1, 4, 6, 3, 7, 2]
const GAP = '  '

/** Rows of texts laid out in columns; `null` is a column without asides. */
interface Layout {
  readonly main: number
  readonly aside: number
}

const columnLayout = (
  heading: readonly string[],
  cells: readonly Shown[],
  asides: boolean,
): Layout => {
  const main = Math.max(...cells.map((cell) => cell.main.length))
  const aside = asides ? Math.max(...cells.map((cell) => cell.aside.length)) : 0
  const body = main + (aside > 0 ? aside + 1 : 0)
  const head = Math.max(...heading.map((line) => line.length))
  return { main: main + Math.max(0, head - body), aside }
}

const widthOf = (layout: Layout): number => layout.main + (layout.aside > 0 ? layout.aside + 1 : 0)

const cellText = (cell: Shown, layout: Layout): string =>
  cell.main.padStart(layout.main) + (layout.aside > 0 ? ` ${cell.aside.padEnd(layout.aside)}` : '')

/** Headings stand over the numbers, not over the asides. */
const headText = (text: string, layout: Layout): string =>
  text.padStart(Math.max(layout.main, text.length)).padEnd(widthOf(layout))

/** As many asides as fit into `width`, the most telling first. */
const layoutsFor = (
  columns: readonly Column[],
  rows: readonly (readonly Shown[])[],
  fixed: number,
  width: number,
): Layout[] => {
  const layouts = columns.map((column, i) =>
    columnLayout(
      column.heading,
      rows.map((row) => row[i] as Shown),
      false,
    ),
  )
  for (const i of KEEP) {
    const column = columns[i]
    if (!column) continue
    const wide = columnLayout(
      column.heading,
      rows.map((row) => row[i] as Shown),
      true,
    )
    const total = layouts.reduce((sum, layout) => sum + widthOf(layout) + GAP.length, fixed)
    if (total - widthOf(layouts[i] as Layout) + widthOf(wide) <= width) layouts[i] = wide
  }
  return layouts
}

const validOf = (group: Group): number =>
  group.cells.filter((cell) => cell.outcome === 'measured').length

const outcomeText = (group: Group, notes: string[]): string => {
  const reasons = reasonsOf(group)
  const marks = reasons.map((reason) => {
    const text = `${group.stack}: ${reason}`
    if (!notes.includes(text)) notes.push(text)
    return `[${notes.indexOf(text) + 1}]`
  })
  const valid = validOf(group)
  const share = valid === group.cells.length ? '' : ` ${valid}/${group.cells.length}`
  return `${group.outcome}${share}${marks.length > 0 ? ` ${marks.join(' ')}` : ''}`
}

const block = (condition: Condition, width: number, notes: string[]): string[] => {
  const names = condition.groups.map((group) => group.stack)
  const outcomes = condition.groups.map((group) => outcomeText(group, notes))
  const columns = columnsOf(condition)
  const rows = condition.groups.map((group) => columns.map((column) => show(group, column)))
  const nameWidth = Math.max(5, ...names.map((name) => name.length))
  const outcomeWidth = Math.max(7, ...outcomes.map((text) => text.length))
  const layouts = layoutsFor(columns, rows, nameWidth + GAP.length + outcomeWidth, width)
  const heads = [0, 1, 2].map((line) =>
    [
      (line === 2 ? 'stack' : '').padEnd(nameWidth),
      ...columns.map((column, i) => headText(column.heading[line] ?? '', layouts[i] as Layout)),
      line === 2 ? 'outcome' : '',
    ]
      .join(GAP)
      .trimEnd(),
  )
  const rule = '─'.repeat(
    layouts.reduce((sum, layout) => sum + widthOf(layout) + GAP.length, nameWidth + GAP.length) +
      outcomeWidth,
  )
  const body = rows.map((row, i) =>
    [
      (names[i] as string).padEnd(nameWidth),
      ...row.map((cell, j) => cellText(cell, layouts[j] as Layout)),
      outcomes[i] as string,
    ]
      .join(GAP)
      .trimEnd(),
  )
  const repetitions = Math.max(...condition.groups.map((group) => group.cells.length))
  const title = `${fullLabelOf(condition)} · ${plural(repetitions, 'repetition')}`
  return [title, rule, ...heads, rule, ...body, rule]
}

const legend = (run: Run, table: string): string[] => {
  const groups = run.conditions.flatMap((condition) => condition.groups)
  const lines = ['Medians over repetitions.']
  if (/\d\]/.test(table.replace(/\[\d+\]/g, '')))
    lines[0] += ' [low, high]: interval of the median (order statistics, at least 95 %).'
  else if (groups.every((group) => group.counted.length < 6))
    lines[0] += ' Intervals need 6 valid repetitions.'
  if (groups.some((group) => group.outcome === 'censored'))
    lines.push('≥: the instrument was saturated; the true value is at least this.')
  if (groups.some((group) => group.outcome === 'invalid'))
    lines.push('( ): invalid; printed for inspection, never compared.')
  return lines
}

/**
 * All conditions of a run as plain text of at most `width` columns, as far as the numbers alone allow it.
 */
export const terminalTable = (run: Run, width = 120): string => {
  const notes: string[] = []
  const blocks = run.conditions.map((condition) => block(condition, width, notes).join('\n'))
  const footnotes = notes.map((note, i) => `[${i + 1}] ${note}`)
  const foot = [...legend(run, blocks.join('\n')), ...footnotes].join('\n')
  return [run.scenario.title, ...blocks, foot].join('\n\n')
}
