/** What a run writes into its lock file, and what is cleaned from it when the run was killed: its processes, containers and temporary folders. */
import { lstatSync, rmSync } from 'node:fs'
import { basename } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { removeContainers } from '../brokers/runtimes/container/leftovers.ts'
import { isAlive, processWorld, type ProcessIdentity } from './process-identity.ts'

/** One line of the file. */
export interface LockEntry {
  readonly run?: ProcessIdentity
  /** See processWorld. */
  readonly world?: string
  /** UTC. */
  readonly since?: string
  readonly results?: string
  readonly child?: ProcessIdentity
  readonly folder?: string
  /** Its name. */
  readonly container?: string
}

export interface LockRecord {
  /** Null: not written yet. */
  readonly run: ProcessIdentity | null
  readonly world: string
  readonly since: string
  readonly results: string | null
  readonly children: readonly ProcessIdentity[]
  /** Temporary folders: those that were to be made; most are gone again. */
  readonly folders: readonly string[]
  /** Names of containers: those that were to be made; most are gone again. */
  readonly containers: readonly string[]
}

/** Every temporary folder has this beginning; nothing else is ever deleted. */
export const FOLDER_PREFIX = 'thingbench-'

const parseLine = (line: string): LockEntry[] => {
  try {
    return [JSON.parse(line) as LockEntry]
  } catch {
    // The last line of a run that was killed while it wrote.
    return []
  }
}

/** @param text JSON, one entry per line */
export const parseRecord = (text: string): LockRecord => {
  const entries = text.split('\n').flatMap(parseLine)
  const first = entries.find((entry) => entry.run !== undefined)
  return {
    run: first?.run ?? null,
    world: first?.world ?? '',
    since: first?.since ?? '',
    results: entries.findLast((entry) => entry.results !== undefined)?.results ?? null,
    children: entries.flatMap(({ child }) => child ?? []),
    folders: entries.flatMap(({ folder }) => folder ?? []),
    containers: entries.flatMap(({ container }) => container ?? []),
  }
}

/** Whether the run that wrote it is still there, as far as can be seen from here. */
export const isRunning = ({ run, world }: LockRecord): boolean =>
  run !== null && world === processWorld() && isAlive(run)

const END_PATIENCE = 2000
const POLL = 10

const endChildren = async ({ world, children }: LockRecord): Promise<ProcessIdentity[]> => {
  if (world !== processWorld()) return []
  const living = children.filter(isAlive)
  for (const { pid } of living) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended by itself.
    }
  }
  const deadline = performance.now() + END_PATIENCE
  while (living.some(isAlive) && performance.now() < deadline) await sleep(POLL)
  return living
}

const isOurs = (folder: string): boolean => {
  const found = lstatSync(folder, { throwIfNoEntry: false })
  return (
    found !== undefined &&
    found.isDirectory() &&
    found.uid === process.geteuid?.() &&
    basename(folder).startsWith(FOLDER_PREFIX)
  )
}

const counted = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`

const things = (verb: string, names: readonly string[], one: string, many: string): string[] =>
  names.length === 0 ? [] : [`${verb} ${counted(names.length, one, many)} (${names.join(', ')})`]

/**
 * Ends and deletes what a dead run left, and nothing else; says what that was, or null when there was nothing.
 * @param remove removes those of the named containers that are still there
 */
export const cleanUp = async (
  record: LockRecord,
  remove: typeof removeContainers = removeContainers,
): Promise<string | null> => {
  // Before its processes, which are those of the containers too: an engine may start again what has ended.
  const { removed, problem } = await remove(record.containers)
  const ended = await endChildren(record)
  const folders = record.folders.filter(isOurs)
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  const pids = ended.map(({ pid }) => String(pid))
  const parts = [
    ...things('removed', removed, 'container', 'containers'),
    ...things('ended', pids, 'process', 'processes'),
    ...things('deleted', folders, 'temporary folder', 'temporary folders'),
    ...(problem === null
      ? []
      : [`could not see whether containers are left: ${problem} (docker ps -a --filter label=thingbench.container shows them)`]), // prettier-ignore
  ]
  if (parts.length === 0) return null
  const results = record.results === null ? '' : `, results in ${record.results}`
  return `cleaned up after a run that was killed (process ${record.run?.pid ?? 'unknown'}${results}): ${parts.join(', ')}`
}
