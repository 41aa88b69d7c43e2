/** The results folder of a run (docs/results.md): created once, appended to after every cell, never rewritten but for run.json. */
import { appendFile, mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { ThingbenchError } from '../core/errors.ts'
import type { Measurement, Scenario } from '../core/types.ts'

const stamp = (date: Date): string =>
  date
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(':', '')

export class Store {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  /**
   * @param out the run folder itself, or null for results/<scenario>-<UTC time>
   * @throws TB_OUT_NOT_EMPTY
   */
  static async create(scenario: Scenario, out: string | null, results: string): Promise<Store> {
    const folder = out ?? join(results, `${scenario.name}-${stamp(new Date())}`)
    await mkdir(folder, { recursive: true })
    const found = await readdir(folder)
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

  get name(): string {
    return basename(this.folder)
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
