/** The keys of a stack's `bulk`: how it sends the large messages of a workload. */
import type { BulkCarriage } from '../core/types.ts'
import { defaulted, optional, record } from './containers.ts'
import { refined, type Rule } from './rule.ts'
import { choice, quantity } from './scalars.ts'

export const bulkCarriage: Rule<BulkCarriage> = refined(
  record(
    {
      connection: defaulted(
        'On the connection of the other messages, or on a second one of each device.',
        choice(['shared', 'own'] as const),
        'shared',
      ),
      chunk: optional(
        'In messages of so many bytes of payload, one behind the other; default: whole.',
        quantity('size', 8, 16_384),
      ),
    },
    { chunks: 'chunk' },
  ),
  ({ connection, chunk = null }) => ({ connection, chunk }),
)
