import { join } from 'node:path'
import { ThingbenchError } from '../../core/errors.ts'
import type { Scenario } from '../../core/types.ts'
import { summarise } from '../../report/report.ts'
import { crossedThresholds } from '../../report/thresholds.ts'
import { catalogue } from '../../run/catalogue.ts'
import { lockFolders } from '../../run/lock-file.ts'
import { narrow, type Narrowing } from '../../run/narrow.ts'
import { openRun, sameQuestion, type EarlierRun } from '../../run/resume.ts'
import type { Runtime } from '../../run/containers-for.ts'
import { becomePrivileged, isPrivileged, requireRoot } from '../../run/rootless.ts'
import type { RunOutcome } from '../../run/run.ts'
import { runScenario } from '../../run/run.ts'
import { readScenario } from '../../scenario/load.ts'
import { type Display, displayOn } from '../display.ts'
import { Interrupt } from '../interrupt.ts'
import type { JsonEvents } from '../json-events.ts'
import { dryRun, planOf } from './dry-run.ts'
import { reportOn } from './report.ts'

export interface RunArguments {
  /** May be left out with `resume`. */
  readonly scenario?: string | undefined
  readonly only?: readonly string[] | undefined
  readonly repetitions?: number | undefined
  readonly seed?: number | undefined
  readonly out?: string | undefined
  readonly runtime: string
  readonly link: string
  readonly capture: boolean
  readonly resume?: string | undefined
  readonly repeat: boolean
  readonly dryRun: boolean
}

const RESULTS = join(import.meta.dirname, '..', '..', '..', 'results')
const FAILED = 1
const CROSSED = 99

/**
 * @param events who is told instead of a person, with `--json`
 * @returns the exit code
 */
export const run = async (
  argv: RunArguments,
  words: readonly string[],
  events: JsonEvents | null,
): Promise<number> => {
  refusePlanned(argv)
  const earlier = argv.resume === undefined ? null : await openRun(argv.resume)
  const scenario = await questionOf(argv, earlier)
  if (argv.dryRun) {
    if (events) events.tell(planOf(scenario))
    else process.stdout.write(dryRun(scenario))
    return 0
  }
  if (earlier?.document.ended === 'complete') {
    say(`the run in ${earlier.folder} is complete: there is nothing left to measure`)
    return 0
  }
  const runtime = runtimeFor(argv, words)
  await becomePrivileged()
  const display = events ?? displayOn(process.stderr, process.env.TERM)
  using interrupt = new Interrupt(display)
  try {
    const outcome = await runScenario({
      scenario,
      out: argv.out ?? null,
      resume: earlier?.folder ?? null,
      options: optionsOf(argv),
      runtime,
      repeats: argv.repeat,
      locks: lockFolders(),
      say: (line) => display.say(`thingbench: ${line}`),
      results: RESULTS,
      command: `thingbench ${words.join(' ')}`,
      progress: display.tell,
      signal: interrupt.signal,
    })
    display.busy('making tables and charts')
    return await conclude(scenario, outcome, interrupt, events, display)
  } finally {
    display.clear()
  }
}

/** What is missing on this machine can be a container only for root. */
const runtimeFor = ({ runtime }: RunArguments, words: readonly string[]): Runtime => {
  if (runtime === 'container') requireRoot(words)
  if (runtime === 'container' || runtime === 'process') return runtime
  return isPrivileged() ? 'auto' : 'process'
}

const say = (line: string): void => void process.stderr.write(`thingbench: ${line}\n`)

const optionsOf = ({ only, repetitions, seed }: RunArguments): Narrowing => ({
  only,
  repetitions,
  seed,
})

const questionOf = (argv: RunArguments, earlier: EarlierRun | null): Promise<Scenario> => {
  if (earlier !== null && (argv.out !== undefined || argv.dryRun))
    throw new ThingbenchError('TB_USAGE', {
      problem: '--resume goes on in its own folder, with neither --out nor --dry-run',
    })
  if (earlier !== null) return sameQuestion(earlier, argv.scenario ?? null, optionsOf(argv))
  if (argv.scenario === undefined)
    throw new ThingbenchError('TB_USAGE', {
      problem: 'run needs a scenario, or --resume with the folder of a run that was interrupted',
    })
  return Promise.resolve(narrow(readScenario(argv.scenario, catalogue), argv))
}

const conclude = async (
  scenario: Scenario,
  { folder, outcomes }: RunOutcome,
  interrupt: Interrupt,
  events: JsonEvents | null,
  display: Display,
): Promise<number> => {
  const { table } = await reportOn(folder)
  const page = join(folder, 'report.html')
  // Of a run that was interrupted, no threshold can be judged.
  const crossed = interrupt.signal.aborted
    ? []
    : crossedThresholds(scenario.thresholds, await summarise(folder))
  display.clear()
  if (events) events.tell({ event: 'report', folder, page, thresholds_crossed: crossed })
  else process.stdout.write(`${table.trimEnd()}\n\nreport: ${page}\n`)
  if (interrupt.signal.aborted)
    throw new ThingbenchError('TB_INTERRUPTED', { signal: interrupt.name, folder })
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
  ['runtime', (v) => v === 'embedded', '--runtime', 'auto, process, container'],
  ['link', (v) => v === 'netem', '--link', 'auto, userspace'],
  ['capture', (v) => v === true, '--capture', 'running without it'],
]

const refusePlanned = (argv: RunArguments): void => {
  for (const [key, asked, option, instead] of PLANNED)
    if (asked(argv[key])) {
      const what = key === 'capture' ? option : `${option} ${String(argv[key])}`
      throw new ThingbenchError('TB_NOT_AVAILABLE', { what, instead })
    }
}
