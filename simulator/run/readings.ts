/**
 * From what the processes of a cell report to its metrics (docs/method.md defines each). Pure: no clock, no files.
 * A reading without an honest number has value null and a warning that says why.
 */
import type { Nanoseconds } from '../core/clock.ts'
import { MILLISECOND, SECOND } from '../core/clock.ts'
import type { Cell } from '../core/types.ts'
import type { ConsumerReport, FleetReport } from '../fleet/fleet-protocol.ts'
import type { Accounts } from '../fleet/ledger.ts'
import { holdsCanary } from '../fleet/payload.ts'
import type { HistogramJson } from '../measure/histogram.ts'
import { Histogram } from '../measure/histogram.ts'
import { LATENCY_LOAD_LIMIT, NOT_CLAIMED } from '../measure/validity.ts'
import type { LinkAccount, WireCount } from '../network/link-protocol.ts'

export interface Reading {
  readonly metric: string
  readonly value: number | null
  readonly n: number
  readonly warnings: readonly string[]
}

/** CPU time of each process over the measured window, and over the ramp, ns; memory in bytes. */
export interface Costs {
  readonly cpu: Readonly<Record<'broker' | 'consumer' | 'fleet' | 'link' | 'total', number | null>>
  readonly connectCpu: Readonly<Record<'broker' | 'fleet', number | null>>
  readonly memory: Readonly<Record<'broker' | 'fleet' | 'kernel', number | null>>
}

export interface CellReports {
  readonly cell: Cell
  /** Length of the measured window. */
  readonly window: Nanoseconds
  readonly fleet: FleetReport
  /** Null where no consumer stands behind the server. */
  readonly consumer: ConsumerReport | null
  readonly link: LinkAccount
  readonly accounts: Accounts
  readonly costs: Costs
  /** Share of each processor that was busy in the window. */
  readonly busy: readonly number[]
}

const QUANTILES: Readonly<Record<string, number>> = { p50: 0.5, p90: 0.9, p99: 0.99, p999: 0.999 }
/** A quantile is printed only with so many observations beyond it. */
export const BEYOND = 10
/** Memory per session is given from so many sessions up: below, the process itself hides it. */
export const MEMORY_SESSIONS = 500

const reading = (
  metric: string,
  value: number | null,
  n: number,
  ...warnings: string[]
): Reading => ({
  metric,
  value: value === null || Number.isFinite(value) ? value : null,
  n,
  warnings,
})

/** The statistics of one series in milliseconds. `lost` observations are later than all others. */
export const seriesReadings = (
  name: string,
  statistics: readonly string[],
  h: Histogram,
  lost = 0,
): Reading[] =>
  statistics.map((statistic) => {
    const metric = `${name}.${statistic}`
    const n = h.count + lost
    if (n === 0) return reading(metric, null, 0, 'no observations')
    const inMs = (ns: number | null): number | null => (ns === null ? null : ns / MILLISECOND)
    if (statistic === 'mean')
      return reading(
        metric,
        inMs(h.mean),
        h.count,
        ...(lost > 0 ? [`of the delivered only: ${lost} lost`] : []),
      )
    if (statistic === 'max')
      return lost > 0 ? reading(metric, null, n, 'lost') : reading(metric, inMs(h.max), n)
    const q = QUANTILES[statistic] as number
    // The slack undoes 1000 * (1 - 0.99) = 10.000000000000009 and its like.
    if (n * (1 - q) < BEYOND - 1e-6)
      return reading(
        metric,
        null,
        n,
        `too few: needs ${Math.ceil(BEYOND / (1 - q) - 1e-6)} observations`,
      )
    const value = h.quantileWithLost(q, lost)
    return value === null ? reading(metric, null, n, 'lost') : reading(metric, inMs(value), n)
  })

/** Latency is claimed only where no processor was too busy; the number stays, with the warning. */
const claimedIf = (quiet: boolean, readings: readonly Reading[]): Reading[] =>
  readings.map((r) =>
    quiet
      ? r
      : { metric: r.metric, value: r.value, n: r.n, warnings: [...r.warnings, NOT_CLAIMED] },
  )

const latencies = (reports: CellReports): Reading[] => {
  const { fleet, consumer, accounts, busy } = reports
  const quiet = busy.every((share) => share <= LATENCY_LOAD_LIMIT)
  const of = (name: string): Histogram => Histogram.fromJSON(fleet.series[name] as HistogramJson)
  const lost = accounts.intended - accounts.delivered
  const unacknowledged = accounts.intended - accounts.acknowledged
  const arrived = Histogram.fromJSON(consumer?.series.latency ?? new Histogram().toJSON())
  const latency = ['mean', 'p50', 'p90', 'p99', 'p999', 'max']
  return [
    ...(consumer === null
      ? []
      : claimedIf(quiet, seriesReadings('latency', latency, arrived, lost))),
    ...(accounts.acknowledged === 0
      ? []
      : claimedIf(quiet, [
          ...seriesReadings('ack', ['mean', 'p50', 'p99'], of('ack'), unacknowledged),
          ...seriesReadings('exchange', ['mean', 'p50', 'p99'], of('exchange')),
        ])),
    ...['wait', 'transport', 'security', 'application'].flatMap((phase) =>
      seriesReadings(`connect.${phase}`, ['mean', 'p50', 'p99'], of(`connect.${phase}`)),
    ),
    ...seriesReadings('schedule_delay', ['p50', 'p99', 'max'], of('schedule_delay')),
    ...seriesReadings('blocked', ['p50', 'p99'], of('blocked')),
    ...seriesReadings('probe.error', ['p50', 'p90', 'p99', 'max'], of('probe.error')),
  ]
}

const deliveries = (
  { cell, fleet, consumer, accounts }: CellReports,
  seconds: number,
): Reading[] => {
  const n = accounts.intended
  const rate = (count: number): number => count / seconds
  const sender = [
    reading('throughput.offered', rate(n), n),
    reading('throughput.sent', rate(accounts.sent), n),
    reading('devices.connected', fleet.connected, cell.devices),
    reading('devices.failed', fleet.failed, cell.devices),
    reading('devices.reconnects', fleet.reconnects, cell.devices),
    ...(fleet.tickets ? [reading('devices.resumed', fleet.tickets.accepted, cell.devices)] : []),
  ]
  if (consumer === null) return sender
  const lost = accounts.lost + accounts.notSent
  return [
    ...sender,
    reading('throughput.delivered', rate(accounts.delivered), n),
    reading(
      'delivery.ratio',
      accounts.delivered / n,
      n,
      ...(lost === 0 ? [`no loss in ${n}: under ${((3 / n) * 100).toPrecision(2)} %`] : []),
    ),
    reading('delivery.lost', accounts.lost, n),
    reading('delivery.not_sent', accounts.notSent, n),
    reading('delivery.acked_lost', accounts.acknowledgedLost, n),
    reading('delivery.duplicates', consumer.duplicates, n),
    reading('delivery.reordered', consumer.reordered, n),
  ]
}

/** How many devices showed their payload; null where the payload is too short for the canary. */
const plaintext = (cell: Cell, link: LinkAccount): Reading =>
  holdsCanary(cell.workload.payload)
    ? reading('wire.plaintext_devices', link.plaintextDevices, cell.devices)
    : reading(
        'wire.plaintext_devices',
        null,
        0,
        'not looked for: the payload is too short for the canary',
      )

/** Whole IP packets as they cross the link, per message intended in the window and per connection. */
const wire = ({ cell, fleet, link, accounts }: CellReports): Reading[] => {
  const n = accounts.intended
  const { steady, connect } = link.wire
  const per = (count: number): number => count / n
  const both = (field: keyof WireCount): number => steady.up[field] + steady.down[field]
  const payload = n * cell.workload.payload
  const framed = fleet.framed.sent + fleet.framed.received
  // Both are counted where the session hands its bytes over.
  const framing = framed - (fleet.application.sent + fleet.application.received)
  // Packets are counted when they cross the link, bytes of the application when it hands them over: a few at the borders of the
  // window differ. Without a security layer there is nothing to tell apart, so the link's count alone stands.
  const secured = cell.stack.security !== 'none'
  const layers: Record<string, number> = {
    ip: both('ipHeader'),
    transport: both('transportHeader'),
    security: secured ? both('transportPayload') - framed : 0,
    framing,
    application: (secured ? framed : both('transportPayload')) - framing - payload,
    payload,
    retransmission: both('retransmittedBytes'),
  }
  return [
    ...(['up', 'down'] as const).flatMap((direction) => [
      reading(`wire.bytes_per_message.${direction}`, per(steady[direction].bytes), n),
      reading(`wire.packets_per_message.${direction}`, per(steady[direction].packets), n),
      reading(
        `wire.delivered_bytes_per_message.${direction}`,
        per(steady[direction].deliveredBytes),
        n,
      ),
      reading(
        `wire.delivered_packets_per_message.${direction}`,
        per(steady[direction].deliveredPackets),
        n,
      ),
      reading(
        `wire.connect_bytes.${direction}`,
        connect[direction].bytes / cell.devices,
        cell.devices,
      ),
      reading(
        `wire.connect_packets.${direction}`,
        connect[direction].packets / cell.devices,
        cell.devices,
      ),
    ]),
    ...Object.entries(layers).map(([layer, bytes]) =>
      reading(`wire.layer_bytes_per_message.${layer}`, per(bytes), n),
    ),
    reading(
      'wire.retransmitted_ratio',
      both('retransmittedPackets') / both('packets'),
      both('packets'),
    ),
    plaintext(cell, link),
    reading('link.unplanned_drops', link.unplannedDrops, link.arrived),
    reading('link.late_packets', link.latePackets, link.arrived),
    reading('link.unreachable', link.unreachable, link.arrived),
    reading('link.clocked', link.clocked, link.arrived),
  ]
}

const costs = ({ fleet, accounts, costs }: CellReports): Reading[] => {
  const readings: Reading[] = []
  for (const [process, time] of Object.entries(costs.cpu))
    if (time !== null)
      readings.push(
        reading(`cpu.${process}_us_per_message`, time / 1e3 / accounts.intended, accounts.intended),
      )
  for (const [process, time] of Object.entries(costs.connectCpu))
    if (time !== null)
      readings.push(
        reading(`cpu.${process}_us_per_connect`, time / 1e3 / fleet.connected, fleet.connected),
      )
  if (fleet.connected < MEMORY_SESSIONS) return readings
  for (const [process, bytes] of Object.entries(costs.memory))
    if (bytes !== null)
      readings.push(
        reading(
          `memory.${process}_kib_per_session`,
          bytes / 1024 / fleet.connected,
          fleet.connected,
        ),
      )
  return readings
}

/** Every metric of the cell. */
export const readingsOf = (reports: CellReports): Reading[] => [
  ...latencies(reports),
  ...deliveries(reports, reports.window / SECOND),
  ...wire(reports),
  ...costs(reports),
]
