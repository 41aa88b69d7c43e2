/** The keys of a stack's `quic`: what each means, what it may be, what it is when it is absent. */
import type { StackQuic } from '../core/types.ts'
import { defaulted, optional, record } from './containers.ts'
import type { Problems } from './problem.ts'
import { located, refined, type Located, type Rule } from './rule.ts'
import { choice, flag } from './scalars.ts'

export const quic: Rule<StackQuic> = refined(
  record(
    {
      engine: defaulted(
        "Whose QUIC the devices have; the front end's is quiche, and a server with QUIC has its own.",
        choice(['quiche', 'openssl'] as const),
        'quiche',
      ),
      congestion: optional(
        'Congestion control; default: bbr, and reno with engine: openssl, which has no other. Of quiche, only bbr measures the round trip when packets are lost.',
        located(choice(['bbr', 'cubic', 'reno'] as const)),
      ),
      streams: defaulted(
        'What a device says goes on one stream, or each topic on a stream of its own; not with openssl.',
        located(choice<StackQuic['streams']>(['single', 'per-topic'])),
        'single',
      ),
      resumption: defaulted(
        'Keep session tickets, and resume with them when connecting again.',
        flag(),
        false,
      ),
      early_data: defaulted(
        'With resumption: what a device says goes with the first flight (0-RTT); not with openssl.',
        located(flag()),
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
  ({ early_data: early, congestion, streams, ...values }, node, path, problems) => {
    const before = problems.list.length
    if (values.engine === 'openssl') checkOpenSsl(congestion, streams, early, problems)
    else if (early.value && !values.resumption)
      problems.add(node, `${path}.early_data`, {
        found: 'early_data without resumption: only a connection that is resumed can have it',
        allowed: 'early_data: true with resumption: true',
        advice: 'Write resumption: true, or leave early_data out.',
      })
    if (problems.list.length > before) return undefined
    return {
      ...values,
      streams: streams.value,
      congestion: congestion?.value ?? OWN_CONGESTION[values.engine],
      earlyData: early.value,
    }
  },
)

const OWN_CONGESTION = { quiche: 'bbr', openssl: 'reno' } as const

/** What the QUIC of OpenSSL cannot do. */
const checkOpenSsl = (
  congestion: Located<StackQuic['congestion']> | undefined,
  streams: Located<StackQuic['streams']>,
  early: Located<boolean>,
  problems: Problems,
): void => {
  if (congestion !== undefined && congestion.value !== 'reno')
    problems.add(congestion, congestion.path, {
      found: `"${congestion.value}" with engine: openssl, whose QUIC has NewReno alone`,
      allowed: 'reno',
      advice: 'Leave congestion out, or take engine: quiche.',
    })
  if (streams.value !== 'single')
    problems.add(streams, streams.path, {
      found: `"${streams.value}" with engine: openssl, whose devices have one stream here`,
      allowed: 'single',
      advice: 'Leave streams out, or take engine: quiche.',
    })
  if (early.value)
    problems.add(early, early.path, {
      found: 'early_data with engine: openssl, whose QUIC has none',
      allowed: 'early_data: false',
      advice: 'Leave early_data out, or take engine: quiche.',
    })
}
