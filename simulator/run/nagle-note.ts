/** Looks for Nagle's algorithm in the latencies of a cell whose devices have it on. */
import { SECOND } from '../core/clock.ts'
import type { DirectionProfile } from '../core/link-profile.ts'
import type { Cell } from '../core/types.ts'
import { absencesOf, messagesOf } from '../core/workload.ts'
import type { ConsumerReport, FleetReport } from '../fleet/fleet-protocol.ts'
import type { HistogramJson } from '../measure/histogram.ts'
import { Histogram } from '../measure/histogram.ts'
import { describeNagle, findNagle } from '../measure/nagle.ts'
import type { LinkAccount } from '../network/link-protocol.ts'

/** Jitter beyond three deviations is cut, or rare. */
const DEVIATIONS = 3

/** Time that the largest packet takes at the direction's rate, and what jitter adds at most. */
const blurOf = ({ jitter, rate }: DirectionProfile, mtu: number): number =>
  DEVIATIONS * jitter + (rate === null ? 0 : ((mtu * 8) / rate) * SECOND)

/** No note, or the one. A radio that sleeps and packets that are held back on purpose make such steps themselves: nothing is said there. */
export const nagleNotes = (
  { stack, link, workload }: Cell,
  fleet: FleetReport,
  consumer: ConsumerReport | null,
  account: LinkAccount,
): string[] => {
  const nodelay = fleet.tcp?.nodelay ?? true
  const messages = messagesOf(workload)
  if (nodelay || link.wake !== null || link.up.reorder !== null) return []
  // What devices hear was sent by a server, which has Nagle's algorithm off: it is no latency of the consumer's.
  const latency = consumer?.series.latency
  // Where devices come and go, messages wait for connections.
  if (latency === undefined || messages === null || absencesOf(workload) !== null) return []
  const transport = Histogram.fromJSON(fleet.series['connect.transport'] as HistogramJson)
  const { up, down } = link
  const { packets, retransmittedPackets } = account.wire.steady.up
  const found = findNagle(Histogram.fromJSON(latency), {
    oneWay: up.delay,
    roundTrip: transport.quantile(0.5) ?? up.delay + down.delay,
    blur: blurOf(up, link.mtu) + blurOf(down, link.mtu),
    interval: messages.interval,
    retransmitted: packets === 0 ? 0 : retransmittedPackets / packets,
  })
  return found === null ? [] : [describeNagle(stack.name, found)]
}
