/** Tells whoever watches how a run goes: which cell, what it says of itself, how long everything still takes. */
import type { Nanoseconds } from '../core/clock.ts'
import { monotonic, SECOND } from '../core/clock.ts'
import type { Cell, Outcome, Scenario, Verdict } from '../core/types.ts'
import { attemptKey } from '../measure/rows.ts'
import type { CellResult } from './cell.ts'
import { expectedTime } from './order.ts'
import type { CellEnded, CellEvent, CellPlace, Progress } from './progress.ts'
import { HEADLINES } from './progress.ts'
import { unsupportedReason } from './supported.ts'
import { TimeLeft } from './time-left.ts'

/** The cell that is running. */
interface Running {
  readonly place: CellPlace
  readonly expected: Nanoseconds
  readonly since: Nanoseconds
}

export class Announcer {
  readonly #progress: Progress
  readonly #scenario: Scenario
  readonly #total: number
  /** Cells that are to be run. */
  readonly #toRun: readonly Cell[]
  readonly #left: TimeLeft
  readonly #clock: () => Nanoseconds
  #running: Running | null = null

  /** @param finished how attempts ended that need not be run any more, by `attemptKey` */
  constructor(
    progress: Progress,
    scenario: Scenario,
    cells: readonly Cell[],
    finished: ReadonlyMap<string, Outcome>,
    clock: () => Nanoseconds = monotonic,
  ) {
    this.#progress = progress
    this.#scenario = scenario
    this.#clock = clock
    this.#total = cells.length
    this.#toRun = cells.filter(({ id }) => {
      const first = finished.get(attemptKey(id, 1))
      return first === undefined || (first === 'invalid' && !finished.has(attemptKey(id, 2)))
    })
    this.#left = new TimeLeft(this.#toRun.map((cell) => this.#expected(cell)))
  }

  runStarted(folder: string): void {
    const { name, title } = this.#scenario
    this.#progress({
      event: 'run-started',
      scenario: name,
      title,
      folder,
      cells: this.#total,
      finished: this.#total - this.#toRun.length,
      expected_s: seconds(this.#left.at(this.#clock())),
    })
  }

  /** @param number from 1 @param attempt 2 repeats a cell that an outside cause made invalid */
  cellStarted(cell: Cell, number: number, attempt: number): void {
    const since = this.#clock()
    const expected = this.#expected(cell)
    const place = { cell: cell.id, number, total: this.#total, attempt }
    this.#left.started(expected, since)
    this.#running = { place, expected, since }
    this.#progress({
      event: 'cell-started',
      ...place,
      expected_s: seconds(expected),
      run_remaining_s: seconds(this.#left.at(since)),
    })
  }

  /** Of the cell that is running. */
  told(event: CellEvent): void {
    const cell = this.#running?.place.cell ?? ''
    if (event.event === 'phase') return this.#progress({ cell, ...event })
    const run_remaining_s = seconds(this.#left.at(this.#clock()))
    this.#progress({ cell, ...event, run_remaining_s })
  }

  cellEnded({ outcome, reasons, notes }: Verdict, result: CellResult | null): void {
    if (this.#running === null) return
    const { place, expected, since } = this.#running
    const now = this.#clock()
    this.#left.ended(outcome !== 'failed' && outcome !== 'unsupported', now)
    if (outcome === 'invalid' && place.attempt === 1) this.#left.again(expected)
    this.#running = null
    this.#progress({
      event: 'cell-ended',
      ...place,
      outcome,
      reasons,
      notes,
      metrics: headlines(result),
      took_s: seconds(now - since),
    })
  }

  #expected(cell: Cell): Nanoseconds {
    return unsupportedReason(cell) === null ? expectedTime(cell, this.#scenario.phases) : 0
  }
}

/** Milliseconds are enough for people, and for programs that stamp what they read. */
const seconds = (time: Nanoseconds): number => Math.round(time / (SECOND / 1000)) / 1000

const headlines = (result: CellResult | null): CellEnded['metrics'] => {
  const values = new Map(result?.readings.map(({ metric, value }) => [metric, value]))
  return Object.fromEntries(
    HEADLINES.map((metric) => [metric, values.get(metric) ?? null]),
  ) as CellEnded['metrics']
}
