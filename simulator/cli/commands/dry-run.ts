/** `thingbench run SCENARIO --dry-run`: what would run, in which order, and how long it would take. */
import { cautionsOf } from '../../core/cautions.ts'
import type { Cell, Scenario } from '../../core/types.ts'
import { messagesOf } from '../../core/workload.ts'
import { formatSpan } from '../../core/units.ts'
import { SECOND } from '../../core/clock.ts'
import { blocksOf, expectedConnects, expectedMessages, expectedTime } from '../../run/order.ts'
import type { PlanEvent } from '../json-events.ts'
import { table } from '../table.ts'

/** Columns of the plan that are numbers. */
const NUMBERS = new Set([0, 1, 3])
/** A percentile is printed only with at least this many messages beyond it. */
const BEYOND = 10

/** The plan of a scenario as text. */
export const dryRun = (scenario: Scenario): string => {
  const cells = blocksOf(scenario).flat()
  const rows = cells.map((cell) => ({ cell, time: expectedTime(cell, scenario.phases) }))
  const total = rows.reduce((sum, row) => sum + row.time, 0)
  const lines = table(
    ['#', 'block', 'cell', 'messages', 'starts after', 'takes about'],
    rows.map(({ cell, time }, i) => [
      String(i + 1),
      String(cell.repetition),
      cell.id,
      String(expectedMessages(cell, scenario.phases)),
      formatSpan(rows.slice(0, i).reduce((sum, row) => sum + row.time, 0)),
      formatSpan(time),
    ]),
    NUMBERS,
  )
  return `${[...heading(scenario, cells, total), '', ...lines, ...notes(scenario, cells)].join('\n')}\n`
}

/** The same for programs. */
export const planOf = (scenario: Scenario): PlanEvent => {
  const cells = blocksOf(scenario).flat()
  const rows = cells.map((cell, i) => ({
    cell: cell.id,
    number: i + 1,
    messages: expectedMessages(cell, scenario.phases),
    expected_s: expectedTime(cell, scenario.phases) / SECOND,
  }))
  const expected_s = rows.reduce((sum, row) => sum + row.expected_s, 0)
  return { event: 'plan', scenario: scenario.name, title: scenario.title, cells: rows, expected_s }
}

const counted = (n: number, one: string): string => `${n} ${n === 1 ? one : `${one}s`}`

const heading = (scenario: Scenario, cells: readonly Cell[], total: number): string[] => [
  `${scenario.name}: ${scenario.title}`,
  [
    counted(scenario.stacks.length, 'stack'),
    counted(scenario.links.length, 'link'),
    counted(scenario.devices.length, 'device count'),
    counted(scenario.workloads.length, 'workload'),
    counted(scenario.repetitions, 'repetition'),
  ].join(' x ') + ` = ${counted(cells.length, 'cell')}, about ${formatSpan(total)}`,
]

/** Of what a cell measures times of: messages, or connections where there are none. */
const countOf = (cell: Cell, { phases }: Scenario): number => {
  if (messagesOf(cell.workload) !== null) return expectedMessages(cell, phases)
  return cell.workload.kind === 'idle' ? cell.devices : expectedConnects(cell, phases)
}

/** What the plan is too small to show. */
const notes = (scenario: Scenario, cells: readonly Cell[]): string[] => {
  const least = Math.min(...cells.map((cell) => countOf(cell, scenario)))
  const what = cells.some(({ workload }) => messagesOf(workload) === null)
    ? 'connections'
    : 'messages'
  const best = [50, 90, 99, 99.9].findLast((p) => least * (1 - p / 100) >= BEYOND - 1e-6)
  return [
    '',
    best === undefined
      ? `The smallest cell measures ${least} ${what}: too few for a percentile (20 for the median, 1000 for p99).`
      : `The smallest cell measures ${least} ${what}: enough for percentiles up to p${String(best).replace('.', '')}.`,
    ...(scenario.repetitions < 6
      ? [
          `With ${counted(scenario.repetitions, 'repetition')} differences are preliminary; a claim needs 6.`,
        ]
      : []),
    ...cautionsOf(scenario),
  ]
}
