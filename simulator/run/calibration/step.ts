/** The link under even traffic in both directions: what a packet costs, and how well its time is kept. */
import { MILLISECOND, SECOND } from '../../core/clock.ts'
import { quantileOf } from '../../measure/order-statistics.ts'
import { usageBetween } from '../../measure/usage.ts'
import { ENGINE_PROFILE } from './checks.ts'
import { delaysOf, type Instrument, type Passage } from './instrument.ts'
import { DEVICES } from './plan.ts'
import type { Step } from './ramp.ts'
import type { Load } from './traffic-protocol.ts'

/** IP packets of this size, such as a short message with its headers. */
const SIZE = 128

export const evenLoad = (rate: number, seconds: number): Load => ({
  direction: 'both',
  count: Math.round(rate * seconds),
  rate,
  size: SIZE,
  devices: DEVICES,
  settle: ENGINE_PROFILE.up.delay + 200 * MILLISECOND,
})

/** Packets at `rate` per second for so many seconds, through a link of ENGINE_PROFILE. */
export const stepAt = async (
  instrument: Instrument,
  rate: number,
  seconds: number,
): Promise<Step> => {
  const before = await instrument.account()
  const start = instrument.usage()
  const passage = await instrument.carry(evenLoad(rate, seconds))
  const use = usageBetween(start, instrument.usage(start)).processes.get(instrument.linkPid)
  const after = await instrument.account()
  const delays = delaysOf(passage)
  const asked = ENGINE_PROFILE.up.delay
  const packets = after.arrived - before.arrived
  return {
    rate,
    cpu: (use?.cpu ?? Number.NaN) / packets,
    errorP50: quantileOf(delays, 0.5) - asked,
    errorP99: quantileOf(delays, 0.99) - asked,
    unplannedDrops: after.unplannedDrops - before.unplannedDrops,
    late: (after.latePackets - before.latePackets) / Math.max(1, packets),
    offered: offeredOf(passage, rate),
  }
}

/** Of the packets that should have been sent in the time that it took. */
const offeredOf = ({ load, sent }: Passage, rate: number): number => {
  const taken = sent.filter((time) => !Number.isNaN(time))
  const planned = ((load.count - 1) * SECOND) / rate
  const took = (taken.at(-1) ?? 0) - (taken[0] ?? 0)
  return (taken.length / load.count) * Math.min(1, planned / took)
}
