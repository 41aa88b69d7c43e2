import { MICROSECOND } from '../core/clock.ts'
import { readdirSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { NativeMemory, libc } from '../native/libc.ts'
import {
  SCHED_ATTR_RUNTIME,
  SCHED_ATTR_SIZE,
  SCHED_FIFO,
  SYS_SCHED_SETATTR,
} from '../native/linux.ts'

/** The least is enough to go before every ordinary process; the kernel's own threads that matter stand higher. */
const LEAST = 1
const SLICE = 100_000

/**
 * Lets this process, with all threads that it has, run as soon as it has something to do: a link stands for a radio or a
 * wire, which does not wait for the processor that its ends compete for. Returns what it runs as. Where real time is
 * refused (a container's control group has no share of it) it takes the best ordinary priority; without the privilege
 * (CAP_SYS_NICE) it stays as it is, and its lateness tells.
 */
export const preempt = (): string => {
  const parameters = new NativeMemory(4)
  parameters.view.setInt32(0, LEAST, true)
  for (const thread of readdirSync('/proc/self/task')) {
    const refused = libc().sched_setscheduler(Number(thread), SCHED_FIFO, parameters.address) < 0
    if (refused) return beNice()
  }
  return `SCHED_FIFO ${LEAST}`
}

const beNice = (): string => {
  const best = constants.priority.PRIORITY_HIGHEST
  try {
    setPriority(best)
    return `SCHED_OTHER nice ${best}`
  } catch {
    return process.env.NOSLICE === undefined && takeShortSlices()
      ? `SCHED_OTHER slice ${SLICE / MICROSECOND} us`
      : 'SCHED_OTHER'
  }
}

const takeShortSlices = (): boolean => {
  const attributes = new NativeMemory(SCHED_ATTR_SIZE)
  attributes.view.setUint32(0, SCHED_ATTR_SIZE, true)
  attributes.view.setUint32(SCHED_ATTR_RUNTIME, SLICE, true)
  const refused = (thread: string): boolean =>
    libc().syscall(SYS_SCHED_SETATTR, Number(thread), attributes.address, 0) < 0
  return !readdirSync('/proc/self/task').some(refused)
}
