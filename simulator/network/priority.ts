import { constants, setPriority } from 'node:os'
import { NativeMemory, libc } from '../native/libc.ts'
import { SCHED_FIFO } from '../native/linux.ts'

/** The least is enough to go before every ordinary process; the kernel's own threads that matter stand higher. */
const LEAST = 1

/**
 * Lets the main thread of this process run as soon as it has something to do: a link stands for a radio or a wire, which
 * does not wait for the processor that its ends compete for. Its other threads, which compile for milliseconds on end, stay
 * as they are: they would stop the fleet, and the link itself. Returns what it runs as. Where real time is refused (a
 * container's control group has no share of it) it takes the best ordinary priority; without the privilege (CAP_SYS_NICE)
 * it stays as it is, and its lateness tells.
 */
export const preempt = (): string => {
  const parameters = new NativeMemory(4)
  parameters.view.setInt32(0, LEAST, true)
  const refused = libc().sched_setscheduler(process.pid, SCHED_FIFO, parameters.address) < 0
  return refused ? beNice() : `SCHED_FIFO ${LEAST}`
}

/** The best ordinary priority, where this process may take it. Returns what it runs as. */
export const beNice = (): string => {
  const best = constants.priority.PRIORITY_HIGHEST
  try {
    setPriority(best)
    return `SCHED_OTHER nice ${best}`
  } catch {
    return 'SCHED_OTHER'
  }
}
