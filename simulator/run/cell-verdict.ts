/** Puts together what is known of a cell's measured window, for `judge`. */
import type { Cell, Verdict } from '../core/types.ts'
import { connectInterval, messageInterval } from '../core/workload.ts'
import type { ConsumerReport, FleetReport } from '../fleet/fleet-protocol.ts'
import { seriesOf } from '../fleet/fleet-protocol.ts'
import type { HistogramJson } from '../measure/histogram.ts'
import { Histogram } from '../measure/histogram.ts'
import { usageBetween } from '../measure/usage.ts'
import { judge } from '../measure/validity.ts'
import type { LinkAccount } from '../network/link-protocol.ts'
import type { Samples } from './cell-usage.ts'
import { busyShares, frontEndPids, serverPids, useOf } from './cell-usage.ts'
import { nagleNotes } from './nagle-note.ts'
import type { Parties } from './parties.ts'

export const judgeCell = (
  cell: Cell,
  parties: Parties,
  samples: Samples,
  fleet: FleetReport,
  consumer: ConsumerReport | null,
  link: LinkAccount,
): Verdict => {
  const window = usageBetween(samples.start, samples.end)
  const { elapsed, processors } = window
  const machine = elapsed * processors.length
  const wait = (pid: number): number => (useOf(window, [pid], 'wait') ?? 0) / elapsed
  const load = (pids: readonly number[]): number | null => {
    const used = useOf(window, pids, 'cpu')
    return used === null ? null : used / elapsed
  }
  const delay = Histogram.fromJSON(seriesOf(fleet, consumer).schedule_delay as HistogramJson)
  const verdict = judge({
    interval: Math.min(messageInterval(cell.workload), connectInterval(cell.workload)),
    steal: window.machine.steal / machine,
    otherLoad: Math.max(0, window.machine.busy - window.cpu) / machine,
    waits: {
      fleet: wait(parties.fleet.pid),
      link: wait(parties.link.pid),
      consumer: wait(parties.consumer.pid),
    },
    scheduleDelayP99: delay.quantile(0.99) ?? 0,
    unplannedDrops: link.unplannedDrops,
    latePackets: link.latePackets,
    packets: link.timedPackets,
    devices: cell.devices,
    connected: fleet.connected,
    commonEnd: commonEnd(fleet),
    brokerLoad: load(serverPids(parties)),
    frontEndLoad: load(frontEndPids(parties)),
    busy: busyShares(samples),
    limit:
      fleet.ends.limit === undefined
        ? null
        : `a limit of this host was hit: ${fleet.ends.limit.example}`,
  })
  return { ...verdict, notes: [...verdict.notes, ...nagleNotes(cell, fleet, consumer, link)] }
}

const commonEnd = ({ ends }: FleetReport): string | null =>
  Object.values(ends).toSorted((a, b) => b.count - a.count)[0]?.example ?? null
