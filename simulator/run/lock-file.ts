/**
 * The lock file of a user: `thingbench-<user number>.lock` in a folder that everybody finds. The lock itself is the kernel's
 * (flock(2)), which gives it back when its holder ends, however it ends; what the file says is in lock-record.ts.
 */
import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs' // prettier-ignore
import { constants as system } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ThingbenchError } from '../core/errors.ts'
import { errno, libc, systemError } from '../native/libc.ts'
import { LOCK_EX, LOCK_NB, LOCK_SH } from '../native/linux.ts'
import { isRunning, parseRecord, type LockRecord } from './lock-record.ts'

/** Where every user may write; the first that is there is taken. Tests, which share a machine on purpose, name another one. */
export const lockFolders = (): readonly string[] => {
  const named = process.env.THINGBENCH_LOCKS
  return named === undefined || named === '' ? ['/run/lock', '/tmp'] : [named]
}

const FILE = /^thingbench-\d+\.lock$/

/** Our number outside a user namespace, in which everybody is 0 (user_namespaces(7)). */
const userOutside = (): number => {
  const own = process.geteuid?.() ?? 0
  for (const line of readFileSync('/proc/self/uid_map', 'latin1').trim().split('\n')) {
    const [inside = 0, outside = 0, count = 0] = line.trim().split(/\s+/).map(Number)
    if (own >= inside && own < inside + count) return outside + own - inside
  }
  return own
}

/** A holder that is dead, or has written nothing yet, is on its way: its lock goes with its last descriptor. */
const PATIENCE = 3000
const POLL = 20

export const readRecord = (path: string): LockRecord => {
  try {
    return parseRecord(readFileSync(path, 'utf8'))
  } catch {
    return parseRecord('')
  }
}

/** @throws ThingbenchError TB_RUN_BUSY when a run holds it */
const flock = async (fd: number, kind: number, path: string): Promise<void> => {
  const deadline = performance.now() + PATIENCE
  while (libc().flock(fd, kind | LOCK_NB) < 0) {
    const code = errno()
    if (code !== system.errno.EWOULDBLOCK) throw systemError(`flock of ${path}`, code)
    const holder = readRecord(path)
    if (isRunning(holder) || performance.now() > deadline)
      throw new ThingbenchError('TB_RUN_BUSY', {
        pid: holder.run?.pid ?? 'unknown',
        since: holder.since || 'a moment ago',
        folder: holder.results ?? 'a folder that is not made yet',
      })
    await sleep(POLL)
  }
}

/** Opens our own file, which may be there already; null where it cannot be ours. */
const openOwn = (path: string): number | null => {
  const { O_RDWR, O_CREAT, O_APPEND, O_NOFOLLOW } = constants
  try {
    const fd = openSync(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0o644)
    if (fstatSync(fd).uid === process.geteuid?.()) return fd
    closeSync(fd)
    return null
  } catch {
    return null
  }
}

/** Its holder may have unlinked the file while we waited for it. */
const isStillThere = (fd: number, path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.ino === fstatSync(fd).ino

export interface LockFile {
  /** The lock is held as long as it is open. */
  readonly fd: number
  readonly path: string
}

/** Takes our own lock, in the first folder where that can be done. */
const takeOwn = async (folders: readonly string[]): Promise<LockFile> => {
  const name = `thingbench-${userOutside()}.lock`
  for (const folder of folders) {
    const path = join(folder, name)
    for (let fd = openOwn(path); fd !== null; fd = openOwn(path)) {
      try {
        await flock(fd, LOCK_EX, path)
        if (isStillThere(fd, path)) return { fd, path }
      } catch (error) {
        closeSync(fd)
        throw error
      }
      closeSync(fd)
    }
  }
  const advice = 'A run must tell others that it measures: make one of these folders writable.'
  throw systemError(`open of ${name} in ${folders.join(' and ')}`, system.errno.EACCES, advice)
}

const lockFiles = (folder: string): string[] => {
  try {
    return readdirSync(folder)
      .filter((name) => FILE.test(name))
      .map((name) => join(folder, name))
  } catch {
    return []
  }
}

const openOther = (path: string): number | null => {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW)
  } catch {
    return null
  }
}

const expectNobodyElse = async (folders: readonly string[], own: string): Promise<void> => {
  for (const path of folders.flatMap(lockFiles).filter((file) => file !== own)) {
    const fd = openOther(path)
    if (fd === null) continue
    try {
      await flock(fd, LOCK_SH, path)
    } finally {
      closeSync(fd)
    }
  }
}

/**
 * Takes the lock of this user, and sees to it that no other user has theirs.
 * @throws ThingbenchError TB_RUN_BUSY when a run is on its way on this machine
 */
export const takeLockFile = async (folders: readonly string[]): Promise<LockFile> => {
  const file = await takeOwn(folders)
  try {
    await expectNobodyElse(folders, file.path)
    return file
  } catch (error) {
    // What a killed run wrote there stays for the next start.
    if (fstatSync(file.fd).size === 0) rmSync(file.path, { force: true })
    closeSync(file.fd)
    throw error
  }
}
