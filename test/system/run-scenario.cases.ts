/** Runs a scenario given as YAML text, for real, and gives its rows back. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Measurement, Scenario } from '../../simulator/core/types.ts'
import { catalogue } from '../../simulator/run/catalogue.ts'
import type { Runtime } from '../../simulator/run/containers-for.ts'
import type { RunOutcome } from '../../simulator/run/run.ts'
import { runScenario } from '../../simulator/run/run.ts'
import { readScenario } from '../../simulator/scenario/load.ts'

export interface RunResult extends AsyncDisposable {
  readonly scenario: Scenario
  readonly folder: string
  readonly outcome: RunOutcome
  readonly rows: readonly Measurement[]
  readonly run: {
    readonly audit: {
      readonly channels_agree: boolean
      readonly channels: Record<string, string>
      readonly stacks: Record<string, Record<string, string>>
      readonly mapping: Record<string, Record<string, string>>
    }
  }
  /** The values of a metric of a stack, one per repetition, in order of repetition. */
  values(metric: string, stack: string): (number | null)[]
  /** The one value of a metric; an error names the verdict when there is none. */
  value(metric: string, stack: string): number
}

export interface HowToRun {
  /** What to ask instead of what the text asks. */
  readonly change?: (scenario: Scenario) => Scenario
  readonly runtime?: Runtime
  /** Whether a cell that something disturbed is run a second time: where a law is to be seen, or a verdict. Default: no. */
  readonly repeats?: boolean
}

export const runText = async (yaml: string, how: HowToRun = {}): Promise<RunResult> => {
  const { change = (scenario) => scenario } = how
  const folder = await mkdtemp(join(tmpdir(), 'thingbench-test-'))
  const file = join(folder, 'scenario.yaml')
  await writeFile(file, yaml)
  return run(change(readScenario(file, catalogue)), folder, how)
}

/** Runs a scenario that is resolved already. */
export const runResolved = async (scenario: Scenario): Promise<RunResult> =>
  run(scenario, await mkdtemp(join(tmpdir(), 'thingbench-test-')))

const run = async (
  scenario: Scenario,
  folder: string,
  { runtime = 'process', repeats = false }: HowToRun = {},
): Promise<RunResult> => {
  const out = join(folder, 'run')
  const progress = () => {}
  const outcome = await runScenario({
    scenario,
    out,
    results: folder,
    resume: null,
    command: 'test',
    options: {},
    runtime,
    repeats,
    locks: [folder],
    say: () => {},
    progress,
    signal: new AbortController().signal,
  })
  const lines = (await readFile(join(out, 'rows.ndjson'), 'utf8')).trim().split('\n')
  const rows = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Measurement)
  const run = JSON.parse(await readFile(join(out, 'run.json'), 'utf8')) as RunResult['run']
  const of = (metric: string, stack: string): Measurement[] => {
    const found = rows.filter((r) => r.metric === metric && r.stack === stack)
    // Of a repeated cell the last attempt counts.
    const last = found.filter((r) => !found.some((o) => o.cell === r.cell && o.attempt > r.attempt))
    return last.sort((a, b) => a.repetition - b.repetition)
  }
  return {
    scenario,
    folder: out,
    outcome,
    rows,
    run,
    values: (metric, stack) => of(metric, stack).map((r) => r.value),
    value(metric, stack) {
      const [row] = of(metric, stack)
      if (row?.value === null || row?.value === undefined) {
        const verdict = of('outcome', stack).map((r) => `${r.outcome}: ${r.warnings.join('; ')}`)
        throw new Error(
          `no ${metric} of ${stack}: ${row?.warnings.join() ?? 'no row'} (${verdict.join()})`,
        )
      }
      return row.value
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Why this machine cannot run system tests; false when it can. In CI a skip is a failure, so there it is never a reason. */
export const skipReason = (): string | false => {
  if (process.env.CI === 'true' || process.getuid?.() === 0) return false
  return 'needs root: network namespaces and TUN devices'
}
