/** The columns of the summary tables, in the terminal and on the page: what a condition's workload has to show. */
import type { Condition } from './rows.ts'

export interface Column {
  /** Three lines of heading: what, which statistic, and the unit. */
  readonly heading: readonly [string, string, string]
  readonly metrics: readonly string[]
}

const LATENCY: readonly Column[] = [
  { heading: ['latency', 'p50', 'ms'], metrics: ['latency.p50'] },
  { heading: ['latency', 'p99', 'ms'], metrics: ['latency.p99'] },
]
const ACK: Column = { heading: ['ack', 'p50', 'ms'], metrics: ['ack.p50'] }
const CONNECT: Column = { heading: ['connect', 'p50', 'ms'], metrics: ['connect.application.p50'] }
const CONNECT_BYTES: Column = {
  heading: ['connect', 'up + down', 'B'],
  metrics: ['wire.connect_bytes.up', 'wire.connect_bytes.down'],
}
const CONNECTS: Column = { heading: ['connects', 'made', '1/s'], metrics: ['connects.completed'] }
const PER_MESSAGE: readonly Column[] = [
  { heading: ['delivered', 'share', '%'], metrics: ['delivery.ratio'] },
  {
    heading: ['wire', 'up + down', 'B/message'],
    metrics: ['wire.bytes_per_message.up', 'wire.bytes_per_message.down'],
  },
]
const CPU: Column = {
  heading: ['CPU', 'broker', 'us/message'],
  metrics: ['cpu.broker_us_per_message'],
}

export const MESSAGES: readonly Column[] = [
  ...LATENCY,
  ACK,
  CONNECT,
  ...PER_MESSAGE,
  CONNECT_BYTES,
  CPU,
]

/** Commands, which are answered. */
export const COMMAND: readonly Column[] = [
  ...LATENCY,
  { heading: ['response', 'p50', 'ms'], metrics: ['response.p50'] },
  { heading: ['response', 'p99', 'ms'], metrics: ['response.p99'] },
  CONNECT,
  ...PER_MESSAGE,
  CPU,
]

/** What is said to all. */
export const FAN_OUT: readonly Column[] = [
  ...LATENCY,
  { heading: ['first to last', 'p50', 'ms'], metrics: ['fanout.spread.p50'] },
  ACK,
  CONNECT,
  ...PER_MESSAGE,
  CPU,
]

/** Messages of devices that sleep. */
export const SLEEP: readonly Column[] = [
  ...LATENCY,
  { heading: ['wake-up to', 'delivery p50', 'ms'], metrics: ['wake.first_delivery.p50'] },
  CONNECT,
  ...PER_MESSAGE,
  {
    heading: ['wake-up to', 'delivery', 'B'],
    metrics: ['wire.wake_bytes.up', 'wire.wake_bytes.down'],
  },
  CPU,
]

/** Messages of devices that lose their connections. */
export const CHURN: readonly Column[] = [
  ...LATENCY,
  CONNECTS,
  CONNECT,
  ...PER_MESSAGE,
  CONNECT_BYTES,
  CPU,
]

/** Connections alone. */
export const STORM: readonly Column[] = [
  { heading: ['connects', 'intended', '1/s'], metrics: ['connects.offered'] },
  CONNECTS,
  { heading: ['wait', 'p50', 'ms'], metrics: ['connect.wait.p50'] },
  CONNECT,
  { heading: ['connect', 'p99', 'ms'], metrics: ['connect.application.p99'] },
  CONNECT_BYTES,
  { heading: ['CPU', 'broker', 'us/connect'], metrics: ['cpu.broker_us_per_connect'] },
]

/** Sessions alone. */
export const IDLE: readonly Column[] = [
  { heading: ['idle', 'up + down', 'B/h'], metrics: ['wire.idle_bytes_per_hour'] },
  CONNECT,
  CONNECT_BYTES,
  { heading: ['memory', 'broker', 'KiB'], metrics: ['memory.broker_kib_per_session'] },
  { heading: ['memory', 'kernel', 'KiB'], metrics: ['memory.kernel_kib_per_session'] },
  { heading: ['CPU', 'broker', 'us/s'], metrics: ['cpu.broker_us_per_session_second'] },
]

/** By a metric that only such a workload has; the first that is there decides. */
const BY_METRIC: readonly (readonly [string, readonly Column[]])[] = [
  ['wake.first_delivery.p50', SLEEP],
  ['wire.idle_bytes_per_hour', IDLE],
  ['response.p50', COMMAND],
  ['fanout.spread.p50', FAN_OUT],
  ['throughput.offered', MESSAGES],
  ['connects.offered', STORM],
]

const BROKER = /\.broker_/
const FRONT_END = /\.front_end_/

/** Beside what the broker uses, what the front end uses. */
const withFrontEnd = (column: Column): readonly Column[] => {
  const [metric = ''] = column.metrics
  if (!BROKER.test(metric)) return [column]
  const [what, , unit] = column.heading
  return [
    column,
    { heading: [what, 'front end', unit], metrics: [metric.replace(BROKER, '.front_end_')] },
  ]
}

export const columnsOf = ({ groups }: Condition): readonly Column[] => {
  const has = (metric: string): boolean =>
    groups.some((group) => group.counted.some((cell) => cell.rows.has(metric)))
  const found = BY_METRIC.find(([metric]) => has(metric))?.[1] ?? MESSAGES
  const columns = found === MESSAGES && has('connects.offered') ? CHURN : found
  const all = columns.flatMap(withFrontEnd)
  const shown = all.filter(({ metrics: [metric = ''] }) => !FRONT_END.test(metric) || has(metric))
  return shown.length === columns.length ? columns : shown
}
