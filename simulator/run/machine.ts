/** What this machine has for a run: read from the kernel. */
import { readFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { raiseOpenFiles } from '../native/libc.ts'
import type { Machine } from './limits.ts'

/**
 * @param wanted files that a process should be able to open: the limit is raised to it as far as this user may
 * @param folder where the results will be; it need not be there yet
 * @param somaxconn that of the server's namespace
 */
export const describeMachine = async (
  wanted: number,
  folder: string,
  somaxconn: string | undefined,
): Promise<Machine> => ({
  openFiles: raiseOpenFiles(wanted),
  ...memoryLeft(),
  disk: await diskLeft(folder),
  backlog: somaxconn === undefined ? null : Number(somaxconn),
})

/** Bytes free on the disk of the folder, or of the nearest one above it that is there. */
export const diskLeft = async (folder: string): Promise<number> => {
  for (let at = folder; ; at = dirname(at)) {
    try {
      const { bavail, bsize, blocks } = await statfs(at)
      // Such as /proc, which is no disk.
      return blocks === 0 ? Infinity : bavail * bsize
    } catch (error) {
      if (at === dirname(at)) throw error
    }
  }
}

const memoryLeft = (): Pick<Machine, 'memory' | 'memoryOf'> => {
  const machine = availableOf(read('/proc/meminfo'))
  const group = leftInGroups(read('/proc/self/cgroup'), read)
  return group < machine
    ? { memory: group, memoryOf: 'the control group' }
    : { memory: machine, memoryOf: 'the machine' }
}

const read = (file: string): string => {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}

/** MemAvailable of /proc/meminfo, in bytes. */
export const availableOf = (meminfo: string): number =>
  Number(/^MemAvailable:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? Infinity) * 1024

/** Files of a control group: mount point, limit, use, and what of that use is cache that can be dropped (cgroups(7), both versions). */
const VERSIONS = [
  { line: /^0::(.*)$/m, root: '/sys/fs/cgroup', limit: 'memory.max', use: 'memory.current', cache: /^inactive_file (\d+)/m }, // prettier-ignore
  { line: /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(.*)$/m, root: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes', use: 'memory.usage_in_bytes', cache: /^total_inactive_file (\d+)/m }, // prettier-ignore
]

/**
 * Bytes that the narrowest control group around this process has left; Infinity where none has a limit.
 * @param cgroup the text of /proc/self/cgroup @param file gives the text of a file, empty when it is not there
 */
export const leftInGroups = (cgroup: string, file: (path: string) => string): number => {
  let least = Infinity
  for (const { line, root, limit, use, cache } of VERSIONS) {
    const path = line.exec(cgroup)?.[1]
    if (path === undefined) continue
    for (let at = path; ; at = dirname(at)) {
      const most = Number.parseInt(file(join(root, at, limit)), 10)
      const used = Number.parseInt(file(join(root, at, use)), 10)
      const cached = Number(cache.exec(file(join(root, at, 'memory.stat')))?.[1] ?? 0)
      if (!Number.isNaN(most + used)) least = Math.min(least, Math.max(0, most - used + cached))
      if (at === dirname(at)) break
    }
  }
  return least
}
