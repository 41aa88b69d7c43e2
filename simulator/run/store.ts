/** The results folder of a run (docs/results.md): created once, appended to after every cell; only run.json is written anew. */
import { access, mkdir, open, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ThingbenchError } from '../core/errors.ts'
import type { Measurement, Outcome, Scenario } from '../core/types.ts'
import { attemptKey, finishedAttempts, parseRows } from '../measure/rows.ts'
import type { RunDocument } from './run-document.ts'

const stamp = (date: Date): string =>
  date
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '')

/** Makes the folder and those above it; returns what it holds. (Node's own recursive mkdir never returns for a folder under /proc.) */
const makeFolder = async (folder: string): Promise<string[]> => {
  try {
    for (const missing of await missingFolders(folder)) await mkdir(missing)
    return await readdir(folder)
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new ThingbenchError('TB_OUT_UNUSABLE', { folder, reason }, { cause })
  }
}

/** The folders to make, the highest first. */
const missingFolders = async (folder: string): Promise<string[]> => {
  const missing: string[] = []
  for (let at = folder; ; at = dirname(at)) {
    const there = await access(at).then(
      () => true,
      () => false,
    )
    if (there) return missing
    missing.unshift(at)
  }
}

const linesOf = (rows: readonly Measurement[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('')

export class Store {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  /**
   * @param out the run folder itself, or null for results/<scenario>-<UTC time>
   * @throws TB_OUT_NOT_EMPTY, TB_OUT_UNUSABLE
   */
  static async create(scenario: Scenario, out: string | null, results: string): Promise<Store> {
    const folder = resolve(out ?? join(results, `${scenario.name}-${stamp(new Date())}`))
    const found = await makeFolder(folder)
    if (found.length > 0)
      throw new ThingbenchError('TB_OUT_NOT_EMPTY', { folder, found: found.length })
    await mkdir(join(folder, 'cells'))
    await writeFile(join(folder, 'scenario.yaml'), await readFile(scenario.file))
    await writeFile(
      join(folder, 'scenario.resolved.json'),
      `${JSON.stringify(scenario, null, 1)}\n`,
    )
    await writeFile(join(folder, 'rows.ndjson'), '')
    return new Store(folder)
  }

  async writeRun(run: RunDocument): Promise<void> {
    await this.#replace('run.json', `${JSON.stringify(run, null, 1)}\n`)
  }

  /** Drops the rows that an attempt left which was cut off; returns how the finished ones ended. */
  async dropUnfinished(): Promise<ReadonlyMap<string, Outcome>> {
    const text = await readFile(join(this.folder, 'rows.ndjson'), 'utf8')
    const rows = parseRows(text, this.folder)
    const kept = linesOf(rows)
    if (kept !== text) await this.#replace('rows.ndjson', kept)
    return finishedAttempts(rows)
  }

  /** An empty folder for one attempt at a cell. */
  async cellFolder(cell: string, attempt: number): Promise<string> {
    const folder = join(this.folder, 'cells', attemptKey(cell, attempt))
    // An attempt that was cut off may have left one.
    await rm(folder, { recursive: true, force: true })
    await mkdir(folder, { recursive: true })
    return folder
  }

  /** All of them or, when the disk is full, none. */
  async append(rows: readonly Measurement[]): Promise<void> {
    await using file = await open(join(this.folder, 'rows.ndjson'), 'a')
    const { size } = await file.stat()
    try {
      await file.appendFile(linesOf(rows))
    } catch (error) {
      await file.truncate(size)
      throw error
    }
  }

  /** All or nothing, also when this process is killed meanwhile. */
  async #replace(file: string, text: string): Promise<void> {
    const path = join(this.folder, file)
    try {
      await writeFile(`${path}.new`, text)
      await rename(`${path}.new`, path)
    } catch (error) {
      await rm(`${path}.new`, { force: true })
      throw error
    }
  }
}
