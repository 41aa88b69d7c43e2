/** From what the file said to the question that is run: every default filled in, every name looked up, frozen. */
import { basename, dirname, resolve } from 'node:path'
import type { DirectionProfile, LinkProfile } from '../core/link-profile.ts'
import type { Catalogue, Phases, Scenario, Stack } from '../core/types.ts'
import { resolveBaseline } from './baseline.ts'
import { checkWhole } from './checks.ts'
import { digest } from './digest.ts'
import { scenarioRule, type ScenarioValues } from './format.ts'
import type { Profiles } from './link.ts'
import type { Problems } from './problem.ts'
import type { RawScenario } from './read.ts'
import { resolveStack } from './stack.ts'
import { resolveThreshold } from './threshold.ts'

/** The scenario, or undefined after reporting every problem. */
export const resolveScenario = (
  raw: RawScenario,
  file: string,
  catalogue: Catalogue,
  profiles: Profiles,
  problems: Problems,
): Scenario | undefined => {
  const folder = dirname(resolve(file))
  const values = scenarioRule(catalogue, profiles, folder).read(raw, '', problems)
  if (!values) return undefined
  checkWhole(values, problems)
  const stacks = values.stacks.map((wanted) => resolveStack(wanted, values.workload.reliability))
  const baseline = resolveBaseline(values.baseline, stacks, catalogue, problems)
  if (problems.list.length > 0) return undefined
  const question = { ...asked(values, file, stacks), baseline }
  return deepFreeze({ ...question, file, digest: digest(withoutPaths(question)) })
}

/** A trace that lies elsewhere is the same trace, as long as it is the same. */
const withoutPaths = <Q extends { readonly links: readonly LinkProfile[] }>(question: Q) => {
  const content = (one: DirectionProfile) => ({ ...one, trace: one.trace?.digest ?? null })
  const links = question.links.map((link) => ({
    ...link,
    up: content(link.up),
    down: content(link.down),
  }))
  return { ...question, links }
}

const asked = (values: ScenarioValues, file: string, stacks: readonly Stack[]) => {
  const name = values.name ?? nameOfFile(file)
  return {
    format: 1 as const,
    name,
    title: values.title ?? name,
    stacks,
    links: values.links.map((link) => link.value),
    devices: values.devices,
    workloads: values.workload.workloads,
    phases: resolvePhases(values.phases),
    timeline: (values.timeline ?? []).map((event) => event.value),
    repetitions: values.repetitions,
    seed: values.seed,
    thresholds: (values.thresholds ?? []).map(resolveThreshold),
  }
}

/** scenarios/My question.yaml is my-question. */
const nameOfFile = (file: string): string => {
  const stem = basename(file)
    .replace(/\.ya?ml$/iu, '')
    .toLowerCase()
  return stem.replaceAll(/[^a-z0-9]+/gu, '-').replaceAll(/^-+|-+$/gu, '') || 'scenario'
}

const resolvePhases = (phases: ScenarioValues['phases']): Phases => ({
  ramp: phases.ramp.value,
  warmup: phases.warmup,
  measure: phases.measure,
  drain: phases.drain,
  connectDeadline: phases.connect_deadline,
})

const deepFreeze = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const inner of Object.values(value)) deepFreeze(inner)
  return Object.freeze(value)
}
