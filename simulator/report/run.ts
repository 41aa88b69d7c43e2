/** A results folder as data. Everything in report/ starts here: it reads files and never measures. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ThingbenchError } from '../core/errors.ts'
import type { Scenario } from '../core/types.ts'
import type { HistogramJson } from '../measure/histogram.ts'
import { attemptKey, parseRows } from '../measure/rows.ts'
import { plural } from './format.ts'
import { type SecondRow, parseIntervals } from './intervals.ts'
import { type Condition, conditionsOf } from './rows.ts'

/** Conditions of one start of a run. */
export interface StartDocument {
  readonly environment?: Readonly<Record<string, unknown>>
  readonly processors?: Readonly<Record<string, unknown>>
}

/** run.json: fields that the report knows; whatever else is there is printed under Environment. */
export interface RunDocument extends StartDocument {
  readonly audit?: AuditDocument
  /** The starts after the first one, which continued what was interrupted. */
  readonly resumptions?: readonly StartDocument[]
  readonly [field: string]: unknown
}

type Table = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** The fairness audit: what differs between the stacks besides what was asked, and what is the same for all. */
export interface AuditDocument {
  /** Property -> stack -> what it was. */
  readonly stacks?: Table
  /** Setting -> value; several where stacks ask for different ones. */
  readonly tcp?: Readonly<Record<string, unknown>>
  /** Whether every stack of a repetition met the same channel. */
  readonly channels_agree?: boolean
  /** Protocol -> neutral verb -> what it is in the protocol. */
  readonly mapping?: Table
}

export interface Run {
  readonly folder: string
  readonly scenario: Scenario
  readonly document: RunDocument
  readonly conditions: readonly Condition[]
  /** Cell id -> series -> histogram in its sparse form, for the cells that have histograms. */
  readonly histograms: ReadonlyMap<string, Readonly<Record<string, HistogramJson>>>
  /** Cell id -> the seconds of a run with a timeline; empty without one. */
  readonly intervals: ReadonlyMap<string, readonly SecondRow[]>
}

const isMissing = (error: unknown): boolean => (error as { code?: string }).code === 'ENOENT'

const readText = async (folder: string, file: string): Promise<string> => {
  try {
    return await readFile(join(folder, file), 'utf8')
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    const problem = isMissing(cause) ? `${file} is missing` : `${file} cannot be read: ${why}`
    throw new ThingbenchError('TB_RESULTS_UNREADABLE', { folder, problem }, { cause })
  }
}

const readJson = async (folder: string, file: string): Promise<unknown> => {
  const text = await readText(folder, file)
  try {
    return JSON.parse(text)
  } catch (cause) {
    const problem = `${file} is not JSON`
    throw new ThingbenchError('TB_RESULTS_UNREADABLE', { folder, problem }, { cause })
  }
}

/** Text of a cell's file; null when the cell wrote none (it failed, or is unsupported). */
const readCellFile = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isMissing(error)) return null
    throw error
  }
}

/**
 * Reads run.json, scenario.resolved.json, rows.ndjson and cells/<cell id>/histograms.json (cells/<cell id>.attempt2/ for a
 * second attempt); with a timeline, intervals.csv beside the histograms too.
 * @throws ThingbenchError TB_RESULTS_UNREADABLE when one of the first three is missing or broken
 */
export const readRun = async (folder: string): Promise<Run> => {
  const scenario = (await readJson(folder, 'scenario.resolved.json')) as Scenario
  const document = (await readJson(folder, 'run.json')) as RunDocument
  const rows = parseRows(await readText(folder, 'rows.ndjson'), folder)
  const conditions = conditionsOf(rows, scenario)
  const histograms = new Map<string, Readonly<Record<string, HistogramJson>>>()
  const intervals = new Map<string, readonly SecondRow[]>()
  // Runs of releases before the timeline do not name it.
  const watchesTime = (scenario.timeline ?? []).length > 0
  for (const condition of conditions)
    for (const group of condition.groups)
      for (const cell of group.counted) {
        const attempt = join(folder, 'cells', attemptKey(cell.id, cell.attempt))
        const found = await readCellFile(join(attempt, 'histograms.json'))
        if (found !== null)
          histograms.set(cell.id, JSON.parse(found) as Record<string, HistogramJson>)
        const seconds = watchesTime ? await readCellFile(join(attempt, 'intervals.csv')) : null
        if (seconds !== null) intervals.set(cell.id, parseIntervals(seconds))
      }
  return { folder, scenario, document, conditions, histograms, intervals }
}

/** The factors of a condition that vary in this run, in words: what tells its panel from the others. Empty when nothing varies. */
export const labelOf = (run: Run, condition: Condition): string => {
  const varies = (keyOf: (c: Condition) => string | number): boolean =>
    new Set(run.conditions.map(keyOf)).size > 1
  const parts: string[] = []
  if (varies((c) => c.link)) parts.push(condition.link)
  if (varies((c) => c.devices)) parts.push(plural(condition.devices, 'device'))
  if (varies((c) => c.workload)) parts.push(condition.workload)
  return parts.join(' · ')
}

/** The factors that are the same everywhere in this run, in words: what belongs under the title of a chart. */
export const commonLabelOf = (run: Run): string => {
  const common = <T>(values: readonly T[], words: (value: T) => string): string[] =>
    new Set(values).size === 1 ? [words(values[0] as T)] : []
  return [
    ...common(
      run.conditions.map((c) => c.link),
      (link) => link,
    ),
    ...common(
      run.conditions.map((c) => c.devices),
      (devices) => plural(devices, 'device'),
    ),
    ...common(
      run.conditions.map((c) => c.workload),
      (workload) => workload,
    ),
    plural(run.scenario.repetitions, 'repetition'),
  ].join(' · ')
}

/** All factors of a condition in words. */
export const fullLabelOf = (condition: Condition): string =>
  `${condition.link} · ${plural(condition.devices, 'device')} · ${condition.workload}`
