/**
 * From what the processes of a cell report to its metrics (docs/method.md defines each). Pure: no clock, no files.
 * A reading without an honest number has value null and a warning that says why.
 */
import { SECOND } from '../core/clock.ts'
import type { Cell } from '../core/types.ts'
import { absencesOf, messagesOf } from '../core/workload.ts'
import { seriesOf, type Receipts } from '../fleet/fleet-protocol.ts'
import { holdsCanary } from '../fleet/payload.ts'
import type { HistogramJson } from '../measure/histogram.ts'
import { Histogram } from '../measure/histogram.ts'
import { LATENCY_LOAD_LIMIT, NOT_CLAIMED } from '../measure/validity.ts'
import type { LinkAccount, WireCount } from '../network/link-protocol.ts'
import { bulkReadings, WITH_BULK } from './bulk-readings.ts'
import type { CellReports } from './cell-reports.ts'
import { connectCosts, connects, connectWire, idle, wakes } from './connection-readings.ts'
import { reading, SESSIONS, seriesReadings, type Reading } from './reading.ts'

/** Latency is claimed only where no processor was too busy; the number stays, with the warning. */
const claimedIf = (quiet: boolean, readings: readonly Reading[]): Reading[] =>
  readings.map((r) =>
    quiet
      ? r
      : { metric: r.metric, value: r.value, n: r.n, warnings: [...r.warnings, NOT_CLAIMED] },
  )

/** Of workloads in which the application speaks first. */
const spoken = (
  { cell, accounts }: CellReports,
  quiet: boolean,
  of: (name: string) => Histogram,
): Reading[] => {
  const { kind } = cell.workload
  if (kind === 'command') {
    const unanswered = accounts.intended - accounts.answered
    const response = ['mean', 'p50', 'p90', 'p99', 'max']
    return claimedIf(quiet, seriesReadings('response', response, of('response'), unanswered))
  }
  if (kind !== 'fan-out') return []
  return claimedIf(quiet, seriesReadings('fanout.spread', ['p50', 'max'], of('fanout.spread')))
}

const latencies = (reports: CellReports): Reading[] => {
  const { cell, fleet, consumer, accounts, busy } = reports
  const sends = messagesOf(cell.workload) !== null
  const acts = sends || absencesOf(cell.workload) !== null
  const quiet = busy.every((share) => share <= LATENCY_LOAD_LIMIT)
  const series = seriesOf(fleet, consumer)
  const of = (name: string): Histogram => Histogram.fromJSON(series[name] as HistogramJson)
  const lost = accounts.intended - accounts.delivered
  const unacknowledged = accounts.intended - accounts.acknowledged
  const acknowledged = of('connect.acknowledged')
  const latency = ['mean', 'p50', 'p90', 'p99', 'p999', 'max']
  return [
    ...(consumer === null || !sends
      ? []
      : claimedIf(quiet, seriesReadings('latency', latency, of('latency'), lost))),
    ...spoken(reports, quiet, of),
    ...(accounts.acknowledged === 0
      ? []
      : claimedIf(quiet, [
          ...seriesReadings('ack', ['mean', 'p50', 'p99'], of('ack'), unacknowledged),
          ...seriesReadings('exchange', ['mean', 'p50', 'p99'], of('exchange')),
        ])),
    ...['wait', 'transport', 'security', 'application'].flatMap((phase) =>
      seriesReadings(`connect.${phase}`, ['mean', 'p50', 'p99'], of(`connect.${phase}`)),
    ),
    ...(acknowledged.count === 0
      ? []
      : seriesReadings('connect.acknowledged', ['mean', 'p50', 'p99'], acknowledged)),
    ...(acts ? seriesReadings('schedule_delay', ['p50', 'p99', 'max'], of('schedule_delay')) : []),
    ...(sends ? seriesReadings('blocked', ['p50', 'p99'], of('blocked')) : []),
    ...seriesReadings('probe.error', ['p50', 'p90', 'p99', 'max'], of('probe.error')),
  ]
}

const longestGaps = ({ longestGaps }: Receipts): Reading[] =>
  longestGaps === null
    ? []
    : seriesReadings('delivery.longest_gap', ['p50', 'max'], Histogram.fromJSON(longestGaps))

const deliveries = (
  { cell, fleet, consumer, accounts }: CellReports,
  seconds: number,
): Reading[] => {
  const n = accounts.intended
  const rate = (count: number): number => count / seconds
  const devices = [
    reading('devices.connected', fleet.connected, cell.devices),
    reading('devices.failed', fleet.failed, cell.devices),
    reading('devices.reconnects', fleet.reconnects, cell.devices),
    ...(fleet.tickets ? [reading('devices.resumed', fleet.tickets.accepted, cell.devices)] : []),
  ]
  if (messagesOf(cell.workload) === null) return devices
  const sender = [
    ...devices,
    reading('throughput.offered', rate(n), n),
    reading('throughput.sent', rate(accounts.sent), n),
  ]
  if (consumer === null) return sender
  const receipts = fleet.receipts ?? consumer
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
    reading('delivery.duplicates', receipts.duplicates, n),
    reading('delivery.reordered', receipts.reordered, n),
    ...longestGaps(receipts),
  ]
}

/** How many devices showed their payload; null where the payload is too short for the canary. */
const plaintext = (payload: number, cell: Cell, link: LinkAccount): Reading =>
  holdsCanary(payload)
    ? reading('wire.plaintext_devices', link.plaintextDevices, cell.devices)
    : reading(
        'wire.plaintext_devices',
        null,
        0,
        'not looked for: the payload is too short for the canary',
      )

/** Whole IP packets as they cross the link, per message intended in the window. */
const perMessage = ({ cell, fleet, link, accounts }: CellReports, size: number): Reading[] => {
  const n = accounts.intended
  const { steady } = link.wire
  const per = (count: number): number => count / n
  const both = (field: keyof WireCount): number => steady.up[field] + steady.down[field]
  // An answer carries the payload of its command.
  const payload = n * size * (cell.workload.kind === 'command' ? 2 : 1)
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
    ]),
    ...Object.entries(layers).map(([layer, bytes]) =>
      reading(`wire.layer_bytes_per_message.${layer}`, per(bytes), n),
    ),
    plaintext(size, cell, link),
  ]
}

const wire = (reports: CellReports): Reading[] => {
  const { cell, link } = reports
  const messages = messagesOf(cell.workload)
  const { up, down } = link.wire.steady
  const packets = up.packets + down.packets
  return [
    ...(messages === null ? [] : perMessage(reports, messages.payload)),
    ...connectWire(reports),
    cell.stack.security === 'quic'
      ? reading('wire.retransmitted_ratio', null, 0, 'QUIC sends again in packets like all others')
      : reading(
          'wire.retransmitted_ratio',
          (up.retransmittedPackets + down.retransmittedPackets) / packets,
          packets,
        ),
    reading('link.unplanned_drops', link.unplannedDrops, link.arrived),
    reading('link.late_packets', link.latePackets, link.timedPackets),
    reading('link.unreachable', link.unreachable, link.arrived),
    ...(link.replayed === 0 ? [] : [reading('link.replayed', link.replayed, link.arrived)]),
    reading('link.clocked', link.clocked, link.arrived),
  ]
}

const costs = (reports: CellReports): Reading[] => {
  const { cell, fleet, accounts, costs } = reports
  const readings = connectCosts(reports)
  if (messagesOf(cell.workload) !== null)
    for (const [process, time] of Object.entries(costs.cpu))
      if (time !== null)
        readings.push(
          reading(
            `cpu.${process}_us_per_message`,
            time / 1e3 / accounts.intended,
            accounts.intended,
          ),
        )
  if (fleet.connected < SESSIONS) return readings
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
export const readingsOf = (reports: CellReports): Reading[] =>
  withBulk(reports, [
    ...latencies(reports),
    ...deliveries(reports, reports.window / SECOND),
    ...bulkReadings(reports),
    ...connects(reports),
    ...wakes(reports),
    ...wire(reports),
    ...idle(reports),
    ...costs(reports),
  ])

/** What is per message has large ones in it; which layer carried what of them is not told apart. */
const withBulk = ({ fleet }: CellReports, readings: Reading[]): Reading[] =>
  fleet.bulkLedger === undefined
    ? readings
    : readings.map((one) =>
        one.metric.startsWith('wire.layer_bytes')
          ? reading(one.metric, null, 0, 'not told apart from the bytes of large messages')
          : one.metric.includes('_per_message')
            ? { ...one, warnings: [...one.warnings, WITH_BULK] }
            : one,
      )
