/** Workloads of connections alone, and how devices come and go in a workload of messages. */
import type { Churn, Sleep } from '../core/types.ts'
import { defaulted, factor, optional, record, required } from './containers.ts'
import { located } from './rule.ts'
import { choice, flag, quantity } from './scalars.ts'
import { level, workloadKind } from './workload-kind.ts'

const HOUR = 3600e9

const CLOSE = choice(['orderly', 'abrupt'] as const)

const connectFields = {
  interval: required(
    'It says how often each device connects anew, such as 5 s.',
    located(factor(quantity('duration', 1e6, 24 * HOUR))),
  ),
  together: defaulted(
    'Whether all devices connect at the same instant, instead of each at one of its own.',
    flag(),
    false,
  ),
  close: defaulted(
    'How a connection ends: orderly = the protocol says so; abrupt = without a word.',
    CLOSE,
    'orderly',
  ),
}

/** Every device closes its connection and makes another. */
export const connect = workloadKind(connectFields, ({ interval, together, close }) => ({
  intervals: interval,
  payloads: null,
  workloads: interval.value.map((every) => ({
    name: interval.value.length > 1 ? `connect interval=${level(every, 'duration')}` : 'connect',
    kind: 'connect' as const,
    absences: { kind: 'reconnects' as const, interval: every, together, close },
  })),
}))

/** Devices are connected and say nothing. */
export const idle = workloadKind({}, () => ({
  intervals: null,
  payloads: null,
  workloads: [{ name: 'idle', kind: 'idle' as const }],
}))

const sleep = record(
  {
    awake: required(
      'It says how long a device stays connected, such as 2 s.',
      quantity('duration', 100e6, 24 * HOUR),
    ),
    asleep: required(
      'It says how long a device is away, such as 18 s.',
      quantity('duration', 100e6, 24 * HOUR),
    ),
    close: defaulted(
      'How it goes to sleep: orderly = the protocol says so; abrupt = its radio is off.',
      CLOSE,
      'orderly',
    ),
  },
  { on: 'awake', off: 'asleep' },
)

const churn = record(
  {
    share: required(
      'It says how many devices lose their connection in each period, such as 5 %.',
      quantity('ratio', 0.0001, 1),
    ),
    every: defaulted('The period.', quantity('duration', 100e6, 24 * HOUR), '1 s'),
  },
  { period: 'every', interval: 'every', rate: 'share' },
)

/** Keys of a workload of messages. */
export const comingAndGoing = {
  sleep: optional('Devices sleep and wake up.', located(sleep)),
  churn: optional('Devices lose their connections by chance, and connect anew.', located(churn)),
}

export const sleepOf = (keys: Omit<Sleep, 'kind'>): Sleep => ({ kind: 'sleep', ...keys })
export const churnOf = (keys: Omit<Churn, 'kind'>): Churn => ({ kind: 'churn', ...keys })
