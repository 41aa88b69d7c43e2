/** Who speaks first in a workload. */
import type { Workload } from '../core/types.ts'
import type { Hears } from '../protocols/session.ts'

/** What the application says to devices in it; null: devices send, and the application listens. */
export const hearsOf = ({ kind }: Workload): Hears => {
  if (kind === 'command') return 'commands'
  return kind === 'fan-out' ? 'broadcasts' : null
}
