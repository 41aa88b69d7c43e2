/** The folder of a run that was interrupted: what it asked, and whether that is still asked. */
import { readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { ThingbenchError } from '../core/errors.ts'
import type { Scenario } from '../core/types.ts'
import { folderProfiles, parseScenario, PROFILES, readScenario } from '../scenario/load.ts'
import { catalogue } from './catalogue.ts'
import { differences, listDifferences } from './differences.ts'
import { narrow, type Narrowing } from './narrow.ts'
import type { RunDocument } from './run-document.ts'

export interface EarlierRun {
  readonly folder: string
  readonly document: RunDocument
  /** What it asked, with every default filled in. */
  readonly scenario: Scenario
}

const noRun = (folder: string, problem: string, cause?: unknown): ThingbenchError =>
  new ThingbenchError('TB_RESUME_NO_RUN', { folder, problem }, { cause })

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  )

const readText = async (folder: string, file: string): Promise<string> => {
  try {
    return await readFile(join(folder, file), 'utf8')
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (!(await isFolder(folder))) throw noRun(folder, 'it is no folder', cause)
    throw noRun(folder, code === 'ENOENT' ? `${file} is missing` : message, cause)
  }
}

const readJson = async (folder: string, file: string): Promise<unknown> => {
  try {
    return JSON.parse(await readText(folder, file)) as unknown
  } catch (cause) {
    if (cause instanceof SyntaxError) throw noRun(folder, `${file} is not JSON`, cause)
    throw cause
  }
}

/** @throws ThingbenchError TB_RESUME_NO_RUN when the folder does not hold a run of this release */
export const openRun = async (path: string): Promise<EarlierRun> => {
  const folder = resolve(path)
  const document = (await readJson(folder, 'run.json')) as Partial<RunDocument> | null
  if (document?.schema !== 1 || document.resumptions === undefined)
    throw noRun(folder, 'run.json is not as this release of thingbench writes it')
  const scenario = (await readJson(folder, 'scenario.resolved.json')) as Scenario
  await readText(folder, 'rows.ndjson')
  return { folder, document: document as RunDocument, scenario }
}

/**
 * The question of an earlier run, read again.
 * @param file the scenario as it is now; null: as it was copied into the folder
 * @param options as typed now; those that were typed at first hold on
 * @throws ThingbenchError TB_RESUME_CHANGED when it is not the same question, with all that differs
 */
export const sameQuestion = async (
  { folder, document, scenario }: EarlierRun,
  file: string | null,
  options: Narrowing,
): Promise<Scenario> => {
  const copy = join(folder, 'scenario.yaml')
  const read =
    file === null
      ? parseScenario(
          Buffer.from(await readText(folder, 'scenario.yaml')),
          // It is called as it was then: a scenario without a name has that of its file.
          scenario.file,
          catalogue,
          folderProfiles(PROFILES),
        )
      : readScenario(file, catalogue)
  const now = narrow(read, withoutGaps({ ...document.options, ...withoutGaps(options) }))
  const found = differences(questionOf(scenario), questionOf(now))
  if (found.length === 0) return now
  throw new ThingbenchError('TB_RESUME_CHANGED', {
    folder,
    question: file ?? copy,
    count: found.length === 1 ? '1 difference' : `${found.length} differences`,
    list: listDifferences(found),
  })
}

const withoutGaps = ({ only, repetitions, seed }: Narrowing): Narrowing => ({
  ...(only === undefined ? {} : { only }),
  ...(repetitions === undefined ? {} : { repetitions }),
  ...(seed === undefined ? {} : { seed }),
})

/** As it is on disk, without the name of the file and the digest of it all. */
const questionOf = (scenario: Scenario): unknown => {
  const { file: _file, digest: _digest, ...question } = scenario
  return JSON.parse(JSON.stringify(question))
}
