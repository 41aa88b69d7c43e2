/** Workloads of messages with intended times. */
import { defaulted, factor, required } from './containers.ts'
import { located } from './rule.ts'
import { choice, quantity } from './scalars.ts'
import { churnOf, comingAndGoing, sleepOf } from './workload-connections.ts'
import { level, workloadKind } from './workload-kind.ts'

const HOUR = 3600e9

const fields = {
  interval: required(
    'It says how often each device reports, such as 1 s.',
    located(factor(quantity('duration', 1e6, 24 * HOUR))),
  ),
  arrivals: defaulted(
    'How the reports of a device are spaced.',
    choice(['constant'] as const, {
      later: { poisson: 'Use constant.', burst: 'Use constant.' },
    }),
    'constant',
  ),
  payload: defaulted(
    'Bytes of application payload in a message.',
    located(factor(quantity('size', 8, 16_384))),
    '100 B',
  ),
  ...comingAndGoing,
}

/** Every device reports to one consumer. A level's name tells only what varies. */
export const telemetry = workloadKind(fields, ({ interval, arrivals, payload, sleep, churn }) => ({
  intervals: interval,
  payloads: payload,
  sleep,
  churn,
  workloads: interval.value.flatMap((every) =>
    payload.value.map((size) => {
      const levels = [
        ...(interval.value.length > 1 ? [`interval=${level(every, 'duration')}`] : []),
        ...(payload.value.length > 1 ? [`payload=${level(size, 'size')}`] : []),
      ]
      return {
        name: ['telemetry', ...levels].join(' '),
        kind: 'telemetry' as const,
        interval: every,
        arrivals,
        payload: size,
        ...(sleep ? { absences: sleepOf(sleep.value) } : {}),
        ...(churn ? { absences: churnOf(churn.value) } : {}),
      }
    }),
  ),
}))
