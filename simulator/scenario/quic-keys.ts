/** The keys of a stack's `quic`: what each means, what it may be, what it is when it is absent. */
import type { StackQuic } from '../core/types.ts'
import { defaulted, record } from './containers.ts'
import { refined, type Rule } from './rule.ts'
import { choice, flag } from './scalars.ts'

export const quic: Rule<StackQuic> = refined(
  record(
    {
      engine: defaulted(
        "Whose QUIC the devices have; the front end's is quiche.",
        choice<StackQuic['engine']>(['quiche'], { later: { openssl: 'Use quiche.' } }),
        'quiche',
      ),
      congestion: defaulted(
        'Congestion control at both ends. With losses, only bbr measures the round trip.',
        choice(['bbr', 'cubic', 'reno'] as const),
        'bbr',
      ),
      streams: defaulted(
        'What a device says goes on one stream, or each topic on a stream of its own.',
        choice<StackQuic['streams']>(['single', 'per-topic']),
        'single',
      ),
      resumption: defaulted(
        'Keep session tickets, and resume with them when connecting again.',
        flag(),
        false,
      ),
      early_data: defaulted(
        'With resumption: what a device says goes with the first flight (0-RTT).',
        flag(),
        false,
      ),
      group: defaulted(
        'Key exchange group, the only one for which a key share is sent.',
        choice(['X25519']),
        'X25519',
      ),
    },
    { cc: 'congestion', congestion_control: 'congestion', zero_rtt: 'early_data', '0rtt': 'early_data' }, // prettier-ignore
  ),
  ({ early_data: earlyData, ...values }, node, path, problems) => {
    if (!earlyData || values.resumption) return { ...values, earlyData }
    problems.add(node, `${path}.early_data`, {
      found: 'early_data without resumption: only a connection that is resumed can have it',
      allowed: 'early_data: true with resumption: true',
      advice: 'Write resumption: true, or leave early_data out.',
    })
    return undefined
  },
)
