/** Which process is meant: process ids are given again, but never together with the same start. */
import { readFileSync, readlinkSync } from 'node:fs'

export interface ProcessIdentity {
  readonly pid: number
  /** Clock ticks after boot, field 22 of /proc/PID/stat (proc(5)). */
  readonly started: number
}

const read = (path: string, how: (path: string) => string): string => {
  try {
    return how(path)
  } catch {
    return ''
  }
}

/** The process that has this id now; null when none has, or when it has ended and only waits to be asked for. */
export const identityOf = (pid: number): ProcessIdentity | null => {
  const stat = read(`/proc/${pid}/stat`, (path) => readFileSync(path, 'latin1'))
  // The name, in brackets, may hold spaces and brackets; state is the field after it.
  const [state = '', ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return state === '' || state === 'Z' || state === 'X'
    ? null
    : { pid, started: Number(fields[18]) }
}

export const isAlive = ({ pid, started }: ProcessIdentity): boolean =>
  identityOf(pid)?.started === started

/** Where process ids and starts can be compared: within one boot and one process id namespace. */
export const processWorld = (): string =>
  [
    read('/proc/sys/kernel/random/boot_id', (path) => readFileSync(path, 'latin1').trim()),
    read('/proc/self/ns/pid', readlinkSync),
  ].join(' ')
