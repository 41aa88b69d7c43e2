/** The options of the command line that change the question: `--only`, `--repetitions`, `--seed`. */
import { ThingbenchError } from '../core/errors.ts'
import type { Scenario } from '../core/types.ts'
import { digest } from '../scenario/digest.ts'

export interface Narrowing {
  readonly only?: readonly string[] | undefined
  readonly repetitions?: number | undefined
  readonly seed?: number | undefined
}

/** @throws TB_USAGE for a stack that the scenario does not have, or a number out of range */
export const narrow = (scenario: Scenario, { only, repetitions, seed }: Narrowing): Scenario => {
  const names = scenario.stacks.map((s) => s.name)
  for (const name of only ?? [])
    if (!names.includes(name))
      throw new ThingbenchError('TB_USAGE', {
        problem: `--only ${name}: the scenario has the stacks ${names.join(', ')}`,
      })
  for (const [option, value, least] of [
    ['--repetitions', repetitions, 1],
    ['--seed', seed, 0],
  ] as const)
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= least))
      throw new ThingbenchError('TB_USAGE', {
        problem: `${option} ${value}: a whole number from ${least} up is allowed`,
      })
  if (only === undefined && repetitions === undefined && seed === undefined) return scenario
  const stacks =
    only === undefined ? scenario.stacks : scenario.stacks.filter((s) => only.includes(s.name))
  const kept = new Set(stacks.map((s) => s.name))
  const {
    digest: _old,
    file,
    ...question
  } = {
    ...scenario,
    stacks,
    // A stack whose baseline was left out is compared with nothing but itself.
    baseline: Object.fromEntries(
      stacks.map((s) => [
        s.name,
        kept.has(scenario.baseline[s.name] ?? s.name)
          ? (scenario.baseline[s.name] ?? s.name)
          : s.name,
      ]),
    ),
    thresholds: scenario.thresholds.filter((t) => t.stack === null || kept.has(t.stack)),
    repetitions: repetitions ?? scenario.repetitions,
    seed: seed ?? scenario.seed,
  }
  return Object.freeze({ ...question, file, digest: digest(question) })
}
