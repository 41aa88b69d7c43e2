/** Link profiles and scenarios by name, for `thingbench list`. */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { folderProfiles, PROFILES } from '../scenario/load.ts'

const SCENARIOS = join(PROFILES, '..')
const title = (file: string): string =>
  /^title:\s*["']?(.*?)["']?\s*$/m.exec(readFileSync(file, 'utf8'))?.[1] ?? ''
const yamlFiles = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .sort()

export const listLinks = (): (readonly [string, string])[] =>
  folderProfiles(PROFILES).names.map(
    (name) => [name, title(join(PROFILES, `${name}.yaml`))] as const,
  )

export const listScenarios = (): (readonly [string, string])[] =>
  yamlFiles(SCENARIOS).map(
    (name) => [basename(name, '.yaml'), title(join(SCENARIOS, name))] as const,
  )
