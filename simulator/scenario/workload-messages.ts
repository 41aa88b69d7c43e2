/** Workloads of messages with intended times: telemetry, command, fan-out. */
import type { Arrivals, MessageWorkload } from '../core/types.ts'
import { defaulted, factor, optional, record, required } from './containers.ts'
import { located, refined, scalarOr, type Rule } from './rule.ts'
import { choice, integer, quantity } from './scalars.ts'
import { churnOf, comingAndGoing, sleepOf } from './workload-connections.ts'
import { level, workloadKind, type WorkloadKind } from './workload-kind.ts'

const HOUR = 3600e9
const MOST_IN_BURST = 1000

const arrivals: Rule<Arrivals> = scalarOr(
  choice(['constant', 'poisson'] as const, {
    or: '{ burst: 10 }',
    advice: 'A burst says how many messages come at once: arrivals: { burst: 10 }.',
  }),
  refined(
    record({
      burst: required('It says how many messages come at once.', integer(2, MOST_IN_BURST)),
    }),
    (values) => values,
  ),
)

const fields = {
  interval: required(
    'It says how often each device reports, or is spoken to, such as 1 s.',
    located(factor(quantity('duration', 1e6, 24 * HOUR))),
  ),
  arrivals: defaulted(
    'How the messages of a device are spaced; the mean gap is the interval.',
    arrivals,
    'constant',
  ),
  payload: defaulted(
    'Bytes of application payload in a message.',
    located(factor(quantity('size', 8, 16_384))),
    '100 B',
  ),
  ...comingAndGoing,
}

const atOnce = (one: Arrivals): number => (typeof one === 'string' ? 1 : one.burst)

const bulk = record(
  {
    payload: required(
      'It says how large the message is, such as 4 MB.',
      quantity('size', 8, 16_000_000),
    ),
    after: required(
      'It says when the message is due, from the start of measure on, such as 5 s.',
      quantity('duration', 0, 24 * HOUR),
    ),
    every: optional(
      'From one large message to the next; default: there is one.',
      quantity('duration', 1e6, 24 * HOUR),
    ),
  },
  { size: 'payload', at: 'after', interval: 'every', period: 'every' },
)

const withBulk = {
  ...fields,
  bulk: optional(
    'Each device sends a large message too, on a topic of its own and with accounts of its own.',
    located(bulk),
  ),
}

/** A level's name tells only what varies. */
const messages = (
  kind: MessageWorkload['kind'],
  own: typeof fields | typeof withBulk,
): WorkloadKind =>
  workloadKind(own as typeof withBulk, ({ interval, payload, ...same }) => ({
    intervals: { ...interval, value: interval.value.map((every) => every * atOnce(same.arrivals)) },
    payloads: payload,
    sleep: same.sleep,
    churn: same.churn,
    bulk: same.bulk,
    workloads: interval.value.flatMap((every) =>
      payload.value.map((size) => {
        const levels = [
          ...(interval.value.length > 1 ? [`interval=${level(every, 'duration')}`] : []),
          ...(payload.value.length > 1 ? [`payload=${level(size, 'size')}`] : []),
        ]
        const name = [kind, ...levels].join(' ')
        return {
          name,
          kind,
          interval: every,
          payload: size,
          arrivals: same.arrivals,
          ...(same.sleep ? { absences: sleepOf(same.sleep.value) } : {}),
          ...(same.churn ? { absences: churnOf(same.churn.value) } : {}),
          ...(same.bulk
            ? { bulk: { ...same.bulk.value, every: same.bulk.value.every ?? null } }
            : {}),
        }
      }),
    ),
  }))

export const telemetry = messages('telemetry', withBulk)
export const command = messages('command', fields)
export const fanOut = messages('fan-out', fields)
