/** Finding a server's program, and asking it something. */
import { execFile } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** Debian keeps servers in sbin, which is not on the PATH of ordinary users. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin']

/** PATH and the folders of system programs: where servers are looked for. */
export const programFolders = (): readonly string[] => [
  ...new Set([...(process.env.PATH ?? '').split(delimiter).filter(Boolean), ...SYSTEM_FOLDERS]),
]

/** The file of the program, or null when there is none. An absolute path is itself looked for. */
export const findProgram = async (name: string): Promise<string | null> => {
  const candidates = name.startsWith('/')
    ? [name]
    : programFolders().map((folder) => join(folder, name))
  for (const file of candidates) {
    try {
      await access(file, constants.X_OK)
      return file
    } catch {
      continue
    }
  }
  return null
}

/** What the program prints on both outputs, whatever its exit status (usage texts exit with failure); null when it is not installed. */
export const askProgram = async (name: string, args: readonly string[]): Promise<string | null> => {
  const file = await findProgram(name)
  if (file === null) return null
  return new Promise((resolve) => {
    execFile(file, args, { timeout: 5000 }, (_error, stdout, stderr) => resolve(stdout + stderr))
  })
}
