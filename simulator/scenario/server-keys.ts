/** The keys of a stack's `server`: what it may use at most. */
import type { ServerLimits } from '../core/types.ts'
import { optional, record } from './containers.ts'
import { refined, type Rule } from './rule.ts'
import { quantity } from './scalars.ts'

const MIB = 2 ** 20

export const server: Rule<ServerLimits> = refined(
  record(
    {
      memory: optional(
        'The most memory that the server may use, without swap; default: no limit.',
        // Engines refuse less than 6 MiB.
        quantity('size', 6 * MIB, 2 ** 20 * MIB),
      ),
      cpu: optional(
        'The most of its processor that the server may use; default: all of it.',
        quantity('ratio', 0.01, 1),
      ),
    },
    { mem: 'memory', ram: 'memory', cpus: 'cpu' },
  ),
  ({ memory = null, cpu = null }) => ({ memory, cpu }),
)
