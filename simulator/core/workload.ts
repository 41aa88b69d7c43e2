/** What all kinds of workload can be asked. */
import type { Nanoseconds } from './clock.ts'
import { NEVER } from './clock.ts'
import type { Absences, Messages, Workload } from './types.ts'

/** Null where devices send no messages. */
export const messagesOf = (workload: Workload): Messages | null =>
  workload.kind === 'connect' || workload.kind === 'idle' ? null : workload

/** Null where devices stay connected. */
export const absencesOf = (workload: Workload): Absences | null =>
  'absences' in workload ? (workload.absences ?? null) : null

/** Mean time between two messages of a device; NEVER: it sends none. */
export const messageInterval = (workload: Workload): Nanoseconds =>
  messagesOf(workload)?.interval ?? NEVER

/** Mean time between two connections of a device that its workload asks for; NEVER: it stays connected. */
export const connectInterval = (workload: Workload): Nanoseconds => {
  const absences = absencesOf(workload)
  if (absences === null) return NEVER
  if (absences.kind === 'reconnects') return absences.interval
  if (absences.kind === 'sleep') return absences.awake + absences.asleep
  return absences.every / absences.share
}
