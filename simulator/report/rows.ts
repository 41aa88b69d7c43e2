/** The rows of finished attempts as cells and cell groups: which attempt counts, which repetitions are valid, and what verdict a group has. */
import type { Measurement, Outcome, Scenario } from '../core/types.ts'
import { OUTCOME } from '../measure/rows.ts'
import { NOT_CLAIMED } from '../measure/validity.ts'

/** One number of one repetition; `lost` marks a percentile that falls among undelivered messages, later than any value. */
export interface Observation {
  readonly repetition: number
  readonly value: number | null
  readonly lost: boolean
  /** A latency taken on a busy processor: shown, never compared. */
  readonly notClaimed: boolean
  /** Observations behind the value. */
  readonly n: number
}

/** The attempt of a cell that counts. */
export interface CellResult {
  readonly id: string
  readonly repetition: number
  readonly attempt: number
  readonly outcome: Outcome
  /** Why the outcome is not simply `measured`, and findings that do not disqualify. */
  readonly reasons: readonly string[]
  readonly rows: ReadonlyMap<string, Measurement>
}

/** Everything but the repetition: what one bar of a chart shows. */
export interface Group {
  readonly id: string
  readonly stack: string
  readonly broker: string
  readonly link: string
  readonly workload: string
  readonly devices: number
  /** `measured` when at least half of the repetitions are valid, otherwise what most of the others are. */
  readonly outcome: Outcome
  /** In order of repetition. */
  readonly cells: readonly CellResult[]
  /** The cells whose values are shown: the valid ones of a measured group; every one that has values otherwise. */
  readonly counted: readonly CellResult[]
}

/** What is the same for the stacks that are compared with each other. */
export interface Condition {
  readonly link: string
  readonly workload: string
  readonly devices: number
  readonly groups: readonly Group[]
}

const grouped = <T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> => {
  const map = new Map<K, T[]>()
  for (const item of items) {
    const list = map.get(keyOf(item))
    if (list) list.push(item)
    else map.set(keyOf(item), [item])
  }
  return map
}

const attemptOf = (rows: readonly Measurement[]): CellResult => {
  const verdict = rows.find((row) => row.metric === OUTCOME) as Measurement
  return {
    id: verdict.cell,
    repetition: verdict.repetition,
    attempt: verdict.attempt,
    outcome: verdict.outcome,
    reasons: verdict.warnings,
    rows: new Map(rows.filter((row) => row !== verdict).map((row) => [row.metric, row])),
  }
}

/** The last valid attempt, or the last one when none is valid. */
const cellOf = (rows: readonly Measurement[]): CellResult => {
  const attempts = [...grouped(rows, (row) => row.attempt).values()]
    .map(attemptOf)
    .sort((a, b) => a.attempt - b.attempt)
  return (attempts.findLast((cell) => cell.outcome === 'measured') ?? attempts.at(-1)) as CellResult
}

/** Among equals the first one names the group: what is least our own fault comes last. */
const PRECEDENCE: readonly Outcome[] = ['censored', 'invalid', 'failed', 'unsupported']

const outcomeOf = (cells: readonly CellResult[]): Outcome => {
  const count = (outcome: Outcome): number => cells.filter((c) => c.outcome === outcome).length
  if (count('measured') * 2 >= cells.length) return 'measured'
  return PRECEDENCE.reduce((most, next) => (count(next) > count(most) ? next : most))
}

const countedOf = (cells: readonly CellResult[], outcome: Outcome): readonly CellResult[] => {
  if (outcome === 'measured') return cells.filter((cell) => cell.outcome === 'measured')
  if (outcome === 'failed' || outcome === 'unsupported') return []
  return cells.filter((cell) => cell.outcome !== 'failed' && cell.outcome !== 'unsupported')
}

const groupOf = (rows: readonly Measurement[]): Group => {
  const { group: id, stack, broker, link, workload, devices } = rows[0] as Measurement
  const cells = [...grouped(rows, (row) => row.cell).values()]
    .map(cellOf)
    .sort((a, b) => a.repetition - b.repetition)
  const outcome = outcomeOf(cells)
  const counted = countedOf(cells, outcome)
  return { id, stack, broker, link, workload, devices, outcome, cells, counted }
}

/** Groups by condition, both in the scenario's order. */
export const conditionsOf = (rows: readonly Measurement[], scenario: Scenario): Condition[] => {
  const place = (names: readonly (string | number)[], name: string | number): number => {
    const at = names.indexOf(name)
    return at < 0 ? names.length : at
  }
  const links = scenario.links.map((link) => link.name)
  const workloads = scenario.workloads.map((workload) => workload.name)
  const stacks = scenario.stacks.map((stack) => stack.name)
  const groups = [...grouped(rows, (row) => row.group).values()].map(groupOf)
  return [...grouped(groups, (g) => JSON.stringify([g.link, g.workload, g.devices])).values()]
    .map((members): Condition => {
      const { link, workload, devices } = members[0] as Group
      const sorted = members.sort((a, b) => place(stacks, a.stack) - place(stacks, b.stack))
      return { link, workload, devices, groups: sorted }
    })
    .sort(
      (a, b) =>
        place(workloads, a.workload) - place(workloads, b.workload) ||
        a.devices - b.devices ||
        place(links, a.link) - place(links, b.link),
    )
}

/**
 * The sum of the metrics in each of the cells that have all of them; usually of one metric.
 * @param further metrics that a cell need not have: what is not there adds nothing
 */
export const observe = (
  cells: readonly CellResult[],
  metrics: readonly string[],
  further: readonly string[] = [],
): Observation[] => {
  const found: Observation[] = []
  for (const cell of cells) {
    const rows = metrics.map((metric) => cell.rows.get(metric))
    if (rows.includes(undefined)) continue
    const more = further.map((metric) => cell.rows.get(metric))
    const present = [...rows, ...more].filter((row) => row !== undefined)
    const missing = present.filter((row) => row.value === null)
    found.push({
      repetition: cell.repetition,
      value: missing.length > 0 ? null : present.reduce((sum, row) => sum + (row.value ?? 0), 0),
      lost: missing.some((row) => row.warnings.includes('lost')),
      notClaimed: present.some((row) => row.warnings.includes(NOT_CLAIMED)),
      n: Math.min(...present.map((row) => row.n)),
    })
  }
  return found
}
