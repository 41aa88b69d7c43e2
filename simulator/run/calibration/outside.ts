/** What of this machine was taken from a calibration by others: where they took much, what is off may be their doing. */
import { readFileSync } from 'node:fs'
import { MICROSECOND, type Nanoseconds } from '../../core/clock.ts'
import { parseAuxiliaryVector, sampleUsage } from '../../measure/usage.ts'

/** Shares of all processors. */
export interface Outside {
  /** Taken by other programs. */
  readonly programs: number
  /** Taken by the host of a virtual machine. */
  readonly host: number
}

export interface Instant {
  readonly at: Nanoseconds
  readonly processors: number
  readonly busy: Nanoseconds
  readonly steal: Nanoseconds
  /** Of this process and of its children that have ended. */
  readonly own: Nanoseconds
}

/** cutime and cstime of /proc/PID/stat (proc(5)): children that have been waited for, in ticks. */
export const childrenTicks = (stat: string): number => {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return Number(fields[16 - 3]) + Number(fields[17 - 3])
}

export const readInstant = (): Instant => {
  const { at, machine, processors } = sampleUsage([])
  const { tick } = parseAuxiliaryVector(readFileSync('/proc/self/auxv'))
  const { user, system } = process.cpuUsage()
  const children = childrenTicks(readFileSync('/proc/self/stat', 'latin1')) * tick
  const own = (user + system) * MICROSECOND + children
  return { at, processors: processors.length, ...machine, own }
}

export const outsideBetween = (a: Instant, b: Instant): Outside => {
  const all = (b.at - a.at) * b.processors
  return {
    programs: Math.max(0, b.busy - a.busy - (b.own - a.own)) / all,
    host: (b.steal - a.steal) / all,
  }
}
