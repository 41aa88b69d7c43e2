/** The results folder of a run (docs/results.md): created once, appended to after every cell, never rewritten but for run.json. */
import { access, appendFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ThingbenchError } from '../core/errors.ts'
import type { Measurement, Scenario } from '../core/types.ts'

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

  async writeRun(run: Readonly<Record<string, unknown>>): Promise<void> {
    await writeFile(
      join(this.folder, 'run.json'),
      `${JSON.stringify({ schema: 1, ...run }, null, 1)}\n`,
    )
  }

  /** The folder of one attempt at a cell. */
  async cellFolder(cell: string, attempt: number): Promise<string> {
    const folder = join(this.folder, 'cells', attempt === 1 ? cell : `${cell}.attempt${attempt}`)
    await mkdir(folder, { recursive: true })
    return folder
  }

  async append(rows: readonly Measurement[]): Promise<void> {
    await appendFile(
      join(this.folder, 'rows.ndjson'),
      rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
    )
  }
}
