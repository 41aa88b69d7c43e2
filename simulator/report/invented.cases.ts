/** Measurements without a run, for tests: what a folder would hold, as objects. */
import { CLEAR_LINK } from '../core/link-profile.ts'
import type { Measurement, Outcome, Scenario } from '../core/types.ts'
import { METRICS } from '../measure/metrics.ts'
import { type Group, conditionsOf } from './rows.ts'
import type { Run } from './run.ts'

export interface InventedCell {
  readonly stack: string
  readonly repetition: number
  readonly attempt?: number
  readonly outcome?: Outcome
  readonly reason?: string
  /** Metric -> value; null with the warning `lost`. */
  readonly values?: Readonly<Record<string, number | null>>
  readonly warnings?: readonly string[]
}

export const rowsOf = (cell: InventedCell): Measurement[] => {
  const row = (metric: string, value: number | null, warnings: readonly string[]): Measurement => ({
    schema: 1,
    cell: `${cell.stack}-r${cell.repetition}`,
    group: cell.stack,
    scenario: 'invented',
    stack: cell.stack,
    broker: 'server',
    link: 'lan',
    workload: 'telemetry',
    devices: 10,
    repetition: cell.repetition,
    attempt: cell.attempt ?? 1,
    outcome: cell.outcome ?? 'measured',
    metric,
    unit: METRICS[metric]?.unit ?? '',
    value,
    n: 100,
    warnings,
  })
  return [
    row('outcome', null, cell.reason === undefined ? [] : [cell.reason]),
    ...Object.entries(cell.values ?? {}).map(([metric, value]) =>
      row(metric, value, value === null ? ['lost'] : (cell.warnings ?? [])),
    ),
  ]
}

const SCENARIO = {
  name: 'invented',
  title: 'What if?',
  stacks: [
    { name: 'plain', kind: 'mqtt-tcp', security: 'none' },
    { name: 'safe', kind: 'mqtt-tls', security: 'tls' },
  ],
  baseline: { plain: 'plain', safe: 'plain' },
  links: [{ ...CLEAR_LINK, name: 'lan' }],
  devices: [10],
  workloads: [{ name: 'telemetry' }],
  repetitions: 6,
  seed: 1,
} as unknown as Scenario

export const runOf = (cells: readonly InventedCell[]): Run => ({
  folder: 'invented',
  scenario: SCENARIO,
  document: {},
  conditions: conditionsOf(cells.flatMap(rowsOf), SCENARIO),
  histograms: new Map(),
  intervals: new Map(),
})

/** The group of a stack in a run of one condition. */
export const groupOf = (run: Run, stack: string): Group => {
  const group = run.conditions[0]?.groups.find((other) => other.stack === stack)
  if (!group) throw new Error(`there is no group of ${stack}`)
  return group
}

/** Six repetitions of both stacks; `change` says what differs in one of them. */
export const sixPairs = (
  change: (stack: string, repetition: number) => Partial<InventedCell> = () => ({}),
): InventedCell[] =>
  [1, 2, 3, 4, 5, 6].flatMap((repetition) =>
    ['plain', 'safe'].map((stack) => {
      const own = stack === 'plain' ? 1 : 1.25 + repetition / 1000
      const cell: InventedCell = {
        stack,
        repetition,
        values: {
          'latency.p50': (40 + repetition) * own,
          'latency.p99': (60 + repetition) * own,
          'wire.bytes_per_message.up': stack === 'plain' ? 100 : 130,
          'wire.bytes_per_message.down': stack === 'plain' ? 40 : 62,
        },
      }
      return Object.assign(cell, change(stack, repetition))
    }),
  )
