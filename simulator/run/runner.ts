/**
 * A run: blocks of cells in seeded random order, each cell's rows on disk before the next begins.
 *
 *   for each repetition (block):
 *     for each cell of the block, in random order: run it, append its rows
 *     for each cell that an outside cause made invalid: once more
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ThingbenchError } from '../core/errors.ts'
import type { Cell, Measurement, Outcome, Scenario, Verdict } from '../core/types.ts'
import { seriesOf } from '../fleet/fleet-protocol.ts'
import { METRICS } from '../measure/metrics.ts'
import { attemptKey, OUTCOME } from '../measure/rows.ts'
import type { Announcer } from './announcer.ts'
import type { Audit } from './audit.ts'
import type { CellResult, Idle } from './cell.ts'
import { runCell } from './cell.ts'
import { intervalsCsv } from './intervals-csv.ts'
import type { RunContext } from './parties.ts'
import type { Store } from './store.ts'
import { unlimitable, unsupportedCause, unsupportedReason } from './supported.ts'

export interface RunPlan {
  readonly scenario: Scenario
  /** In the order in which they run. */
  readonly blocks: readonly (readonly Cell[])[]
  readonly context: RunContext
  readonly store: Store
  readonly idle: Idle
  /** Cells that something disturbed are run a second time. */
  readonly repeats: boolean
  readonly audit: Audit
  /** How attempts ended that need not be run any more, by `attemptKey`. */
  readonly finished: ReadonlyMap<string, Outcome>
  /** Writes run.json with what is known so far. */
  readonly describe: () => Promise<void>
  readonly announcer: Announcer
  readonly signal: AbortSignal
}

/** Runs all cells. When the signal fires, the cell that is running is given up and what is finished stays. */
export const runBlocks = async (plan: RunPlan): Promise<Readonly<Record<Outcome, number>>> => {
  const outcomes: Record<Outcome, number> = {
    measured: 0,
    unsupported: 0,
    censored: 0,
    invalid: 0,
    failed: 0,
  }
  let place = 0
  for (const block of plan.blocks) {
    const again: [Cell, number][] = []
    for (const cell of block) {
      place++
      const outcome = await outcomeOf(plan, cell, 1, place)
      outcomes[outcome]++
      if (outcome === 'invalid' && plan.repeats) again.push([cell, place])
    }
    for (const [cell, itsPlace] of again) {
      const outcome = await outcomeOf(plan, cell, 2, itsPlace)
      outcomes.invalid--
      outcomes[outcome]++
    }
  }
  return outcomes
}

/** Of an attempt that was finished before the run was interrupted, or of one now. */
const outcomeOf = async (
  plan: RunPlan,
  cell: Cell,
  number: number,
  place: number,
): Promise<Outcome> => {
  const known = plan.finished.get(attemptKey(cell.id, number))
  if (known !== undefined) return known
  plan.announcer.cellStarted(cell, place, number)
  return (await attempt(plan, cell, number)).outcome
}

const attempt = async (plan: RunPlan, cell: Cell, number: number): Promise<Verdict> => {
  plan.signal.throwIfAborted()
  const folder = await plan.store.cellFolder(cell.id, number)
  const known = unsupportedReason(cell) ?? unlimitable(cell, plan.context.containers)
  const result = known === null ? await measure(plan, cell, folder) : null
  const unsupported = known ?? (result instanceof ThingbenchError ? unsupportedCause(result) : null)
  const verdict: Verdict =
    unsupported !== null
      ? { outcome: 'unsupported', reasons: [unsupported], notes: [] }
      : result instanceof ThingbenchError
        ? { outcome: 'failed', reasons: [result.message], notes: [] }
        : (result as CellResult).verdict
  const measured = result instanceof ThingbenchError ? null : result
  await writeFile(join(folder, 'log.txt'), cellLog(verdict, measured))
  if (measured !== null) {
    await writeCellFiles(folder, measured, plan.scenario)
    plan.audit.add(cell, measured, plan.context.certificate.bytes)
    await plan.describe()
  }
  // Last: with its rows an attempt counts as finished.
  await plan.store.append(rowsOf(plan.scenario, cell, number, verdict, measured))
  plan.announcer.cellEnded(verdict, measured)
  return verdict
}

/** A failing cell is a result; an interruption, and what is our own mistake, is not. */
const measure = async (
  plan: RunPlan,
  cell: Cell,
  folder: string,
): Promise<CellResult | ThingbenchError> => {
  const { scenario, context, idle, signal, announcer } = plan
  try {
    return await runCell(cell, scenario.phases, context, idle, folder, signal, (event) =>
      announcer.told(event),
    )
  } catch (error) {
    if (!(error instanceof ThingbenchError) || signal.aborted) throw error
    return error
  }
}

const rowsOf = (
  scenario: Scenario,
  cell: Cell,
  attempt: number,
  verdict: Verdict,
  result: CellResult | null,
): Measurement[] => {
  const common = {
    schema: 1 as const,
    cell: cell.id,
    group: cell.group,
    scenario: scenario.name,
    stack: cell.stack.name,
    broker: cell.stack.broker,
    link: cell.link.name,
    workload: cell.workload.name,
    devices: cell.devices,
    repetition: cell.repetition,
    attempt,
    outcome: verdict.outcome,
  }
  const verdictRow = {
    ...common,
    metric: OUTCOME,
    unit: '',
    value: null,
    n: 1,
    warnings: [...verdict.reasons, ...verdict.notes],
  }
  const rows: Measurement[] = []
  for (const { metric, value, n, warnings } of result?.readings ?? [])
    rows.push({ ...common, metric, unit: METRICS[metric]?.unit ?? '', value, n, warnings })
  // Last: it tells that the others are all there.
  return [...rows, verdictRow]
}

const writeCellFiles = async (
  folder: string,
  { fleet, consumer, brokerLog, frontEnd }: CellResult,
  { timeline, phases }: Scenario,
): Promise<void> => {
  const series = seriesOf(fleet, consumer)
  await writeFile(join(folder, 'histograms.json'), `${JSON.stringify(series)}\n`)
  const intervals = intervalsCsv(
    (fleet.receipts ?? consumer)?.seconds ?? [],
    timeline,
    phases.warmup,
  )
  await writeFile(join(folder, 'intervals.csv'), intervals)
  if (brokerLog !== '') await writeFile(join(folder, 'broker.log'), brokerLog)
  if (frontEnd !== null) await writeFile(join(folder, 'front-end.log'), frontEnd.log)
}

const cellLog = (verdict: Verdict, result: CellResult | null): string => {
  const lines = [
    `outcome: ${verdict.outcome}`,
    ...verdict.reasons.map((r) => `reason: ${r}`),
    ...verdict.notes.map((n) => `note: ${n}`),
  ]
  if (result !== null) {
    const { fleet, consumer, link } = result
    lines.push(
      `devices: ${fleet.connected} connected, ${fleet.failed} failed, ${fleet.reconnects} reconnects`,
    )
    if (fleet.tickets !== null)
      lines.push(`tickets: ${fleet.tickets.offered} offered, ${fleet.tickets.accepted} taken`)
    for (const [code, { count, example }] of Object.entries(fleet.ends))
      lines.push(`connections ended: ${count} x ${code} (${example})`)
    for (const [reason, count] of Object.entries({ ...fleet.givenUp, ...consumer?.givenUp }))
      lines.push(`messages given up: ${count} x ${reason}`)
    const { arrived, duplicated, corrupted, unplannedDrops } = link
    const { delivered, lost, overflowed, unreachable, queued } = link
    lines.push(
      `link: arrived ${arrived} + duplicated ${duplicated} = delivered ${delivered} + lost ${lost} + overflowed ${overflowed} + unreachable ${unreachable} + queued ${queued}; corrupted ${corrupted}; unplanned drops ${unplannedDrops}`,
    )
    lines.push(`channel: ${link.channelDigest}`)
  }
  return `${lines.join('\n')}\n`
}
