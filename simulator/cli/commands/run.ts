import { join } from 'node:path'
import { ThingbenchError } from '../../core/errors.ts'
import type { Scenario } from '../../core/types.ts'
import { summarise, writeReport } from '../../report/report.ts'
import { crossedThresholds } from '../../report/thresholds.ts'
import { catalogue } from '../../run/catalogue.ts'
import { narrow } from '../../run/narrow.ts'
import { becomePrivileged } from '../../run/rootless.ts'
import type { RunOutcome } from '../../run/run.ts'
import { runScenario } from '../../run/run.ts'
import { readScenario } from '../../scenario/load.ts'
import { jsonProgress, lineProgress } from '../progress.ts'
import { dryRun } from './dry-run.ts'

export interface RunArguments {
  readonly scenario: string
  readonly only?: readonly string[] | undefined
  readonly repetitions?: number | undefined
  readonly seed?: number | undefined
  readonly out?: string | undefined
  readonly runtime: string
  readonly link: string
  readonly capture: boolean
  readonly resume?: string | undefined
  readonly dryRun: boolean
  readonly json: boolean
}

const RESULTS = join(import.meta.dirname, '..', '..', '..', 'results')
const FAILED = 1
const CROSSED = 99
const INTERRUPTED = 3

/** @returns the exit code */
export const run = async (argv: RunArguments, words: readonly string[]): Promise<number> => {
  refusePlanned(argv)
  const scenario = narrow(readScenario(argv.scenario, catalogue), argv)
  if (argv.dryRun) {
    process.stdout.write(dryRun(scenario))
    return 0
  }
  await becomePrivileged()
  using interrupt = new Interrupt()
  const outcome = await runScenario({
    scenario,
    out: argv.out ?? null,
    results: RESULTS,
    command: `thingbench ${words.join(' ')}`,
    progress: argv.json ? jsonProgress() : lineProgress(),
    signal: interrupt.signal,
  })
  return conclude(argv, scenario, outcome, interrupt)
}

const conclude = async (
  argv: RunArguments,
  scenario: Scenario,
  { folder, outcomes }: RunOutcome,
  interrupt: Interrupt,
): Promise<number> => {
  const { table } = await writeReport(folder)
  if (argv.json) process.stdout.write(`${JSON.stringify({ event: 'report', folder })}\n`)
  else process.stdout.write(`${table.trimEnd()}\n\nreport: ${join(folder, 'report.html')}\n`)
  if (interrupt.signal.aborted)
    throw new ThingbenchError('TB_INTERRUPTED', { signal: interrupt.name, folder })
  const crossed = crossedThresholds(scenario.thresholds, await summarise(folder))
  for (const line of crossed) process.stderr.write(`thingbench: threshold crossed: ${line}\n`)
  // A cell that failed measured nothing, so no threshold is known to hold: that weighs more than one that was crossed.
  const failed = outcomes?.failed ?? 0
  if (failed > 0) {
    const total = Object.values(outcomes ?? {}).reduce((sum, count) => sum + count, 0)
    process.stderr.write(`thingbench: ${failed} of ${total} cells failed; the reasons are above\n`)
    return FAILED
  }
  return crossed.length > 0 ? CROSSED : 0
}

const PLANNED: readonly (readonly [
  keyof RunArguments,
  (value: unknown) => boolean,
  string,
  string,
])[] = [
  ['runtime', (v) => v === 'container' || v === 'embedded', '--runtime', 'auto, process'],
  ['link', (v) => v === 'netem', '--link', 'auto, userspace'],
  ['capture', (v) => v === true, '--capture', 'running without it'],
  ['resume', (v) => v !== undefined, '--resume', 'a new run'],
]

const refusePlanned = (argv: RunArguments): void => {
  for (const [key, asked, option, instead] of PLANNED)
    if (asked(argv[key])) {
      const what = key === 'capture' ? option : `${option} ${String(argv[key])}`
      throw new ThingbenchError('TB_NOT_AVAILABLE', { what, instead })
    }
}

/** Ctrl-C and kill: the first ends the run in order, the second ends this process at once. */
class Interrupt implements Disposable {
  readonly #controller = new AbortController()
  name = ''
  readonly #on = (name: NodeJS.Signals): void => {
    if (this.#controller.signal.aborted) process.exit(INTERRUPTED)
    this.name = name
    process.stderr.write(`thingbench: ${name}: ending the running cell, keeping what is finished\n`)
    this.#controller.abort()
  }
  constructor() {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, this.#on)
  }
  get signal(): AbortSignal {
    return this.#controller.signal
  }
  [Symbol.dispose](): void {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, this.#on)
  }
}
