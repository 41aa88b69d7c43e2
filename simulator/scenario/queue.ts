/** What may wait for the rate limiter: packets or bytes, dropped at the tail or by CoDel. */
import type { Codel, DirectionProfile, QueueLimit } from '../core/link-profile.ts'
import { formatQuantity } from '../core/units.ts'
import { defaulted, optional, record } from './containers.ts'
import { either } from './either.ts'
import { refined, scalarOr, type Rule } from './rule.ts'
import { flag, quantity } from './scalars.ts'

type Queue = Pick<DirectionProfile, 'queue' | 'codel'>

const LONGEST = 60e9

const limited = refined(
  either({ dimension: 'packets', least: 1 }, { dimension: 'size', least: 576 }),
  ({ value, unit }): QueueLimit => ({
    limit: value,
    unit: unit === 'packets' ? 'packets' : 'bytes',
  }),
)

/** Packets, bytes, or the word `unlimited`, which reads as null. */
export const queueLimit: Rule<QueueLimit | null> = {
  schema: {
    anyOf: [...((limited.schema?.['anyOf'] ?? []) as unknown[]), { const: 'unlimited' }],
  },
  read(node, path, problems) {
    const unlimited = node.kind === 'scalar' && node.value === 'unlimited'
    return unlimited ? null : limited.read(node, path, problems)
  },
}

/** The values of RFC 8289 sections 4.2 and 4.3. */
const CODEL: Codel = { target: 5e6, interval: 100e6 }

const codelTimes = record({
  target: defaulted('Waiting time that is good.', quantity('duration', 1e6, LONGEST), '5 ms'),
  interval: defaulted(
    'How long packets may wait longer before the first is dropped; about the longest round trip.',
    quantity('duration', 1e6, LONGEST),
    '100 ms',
  ),
})

const codel: Rule<Codel | null> = scalarOr(
  refined(flag(), (on) => (on ? CODEL : null)),
  refined(codelTimes, (times, node, path, problems) => {
    if (times.target < times.interval) return times
    problems.add(node, path, {
      found: `a target of ${formatQuantity(times.target, 'duration')} with an interval of ${formatQuantity(times.interval, 'duration')}`,
      allowed: 'a target below the interval; RFC 8289 has it at 5 to 10 % of it',
    })
    return undefined
  }),
)

const detailed: Rule<Queue> = refined(
  record({
    limit: optional('The most that may wait, or unlimited.', queueLimit),
    codel: optional('CoDel (RFC 8289): true, or its times.', codel),
  }),
  (values) => ({ queue: values.limit ?? null, codel: values.codel ?? null }),
)

export const queueRule: Rule<Queue> = scalarOr(
  refined(queueLimit, (queue) => ({ queue, codel: null })),
  detailed,
)
