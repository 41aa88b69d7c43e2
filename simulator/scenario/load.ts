/** Scenario files and profile files, from disk to resolved. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ThingbenchError } from '../core/errors.ts'
import type { LinkProfile } from '../core/link-profile.ts'
import type { Catalogue, Scenario } from '../core/types.ts'
import { profileRule, type Profiles } from './link.ts'
import { Problems } from './problem.ts'
import { decode, readYaml } from './read.ts'
import { resolveScenario } from './resolve.ts'

/** Where thingbench keeps its own profiles. */
export const PROFILES = join(import.meta.dirname, '..', '..', 'scenarios', 'profiles')

/**
 * Reads a scenario file. Throws TB_SCENARIO_UNREADABLE where there is no such file, and TB_SCENARIO_INVALID with all its
 * problems at once in the text, and as a `Problem[]` in `cause`.
 */
export const readScenario = (path: string, catalogue: Catalogue, folder = PROFILES): Scenario =>
  parseScenario(bytesOf(path), path, catalogue, folderProfiles(folder))

/** The same from bytes that are here already; `file` is for messages and the default name. */
export const parseScenario = (
  bytes: Uint8Array,
  file: string,
  catalogue: Catalogue,
  profiles: Profiles,
): Scenario => {
  const problems = new Problems()
  const text = decode(bytes, problems)
  const raw = text === undefined ? undefined : readYaml(text, problems)
  const scenario = raw && resolveScenario(raw, file, catalogue, profiles, problems)
  if (!scenario || problems.list.length > 0) throw problems.error(file)
  return scenario
}

/** The profiles of a folder: each file NAME.yaml is the profile NAME. */
export const folderProfiles = (folder: string): Profiles => {
  const names = readdirSync(folder)
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .toSorted()
  return { names, read: (profile) => readProfile(join(folder, `${profile}.yaml`), profile) }
}

const readProfile = (path: string, profile: string): LinkProfile => {
  const problems = new Problems()
  const text = decode(bytesOf(path), problems)
  const raw = text === undefined ? undefined : readYaml(text, problems)
  const link = raw && profileRule(profile, dirname(path)).read(raw, '', problems)
  if (!link || problems.list.length > 0) throw problems.error(path)
  return link
}

const bytesOf = (path: string): Uint8Array => {
  try {
    return readFileSync(path)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const reason =
      code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : message
    throw new ThingbenchError('TB_SCENARIO_UNREADABLE', { file: path, reason }, { cause: error })
  }
}
