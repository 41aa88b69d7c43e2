/** What a link does with more than it carries, and what it says of itself. */
import { SECOND } from '../../core/clock.ts'
import type { DirectionProfile, LinkProfile } from '../../core/link-profile.ts'
import { fromNormal } from '../../network/emulator/distribution.ts'
import type { LinkAccount } from '../../network/link-protocol.ts'
import { lossOf, queueIn, serialisation, type Way } from './asked.ts'
import { arrivalsOf, type Passage } from './instrument.ts'
import type { Row } from './row.ts'

const RATE_OFF = 0.01
const MOST_LATE = 0.01

/** @param rate bits per second @param passage more packets than the link carries */
export const rateRow = (profile: LinkProfile, way: Way, rate: number, passage: Passage): Row => {
  const { load } = passage
  const arrivals = arrivalsOf(passage).sort()
  const elapsed = (arrivals.at(-1) ?? 0) - (arrivals[0] ?? 0)
  const carried = ((arrivals.length - 1) * load.size * 8 * SECOND) / elapsed
  // The first and the last packet have a delay by chance.
  const { jitter, distribution } = profile[way]
  const width = jitter * (fromNormal(distribution, 3) - fromNormal(distribution, -3))
  const off = RATE_OFF + (elapsed > 0 ? width / elapsed : 0)
  return {
    profile: profile.name,
    way,
    quantity: 'rate',
    unit: 'kbit/s',
    asked: rate / 1000,
    measured: carried / 1000,
    interval: null,
    tolerance: `${Number((off * 100).toPrecision(2))} %`,
    ok: Math.abs(carried / rate - 1) <= off,
  }
}

/** @param passage packets as fast as they could be sent: what found room, and what left meanwhile, arrives */
export const queueRow = (profile: LinkProfile, way: Way, passage: Passage): Row => {
  const { load, sent } = passage
  const asked = queueIn(profile[way], load.size) ?? 0
  const measured = arrivalsOf(passage).length
  const took = (sent.at(-1) ?? 0) - (sent[0] ?? 0)
  const leaves = serialisation({ ...profile[way], rateBurst: 0 }, null, load.size)
  const more = Math.ceil(took / leaves) + Math.ceil(profile[way].rateBurst / load.size) + 1
  return {
    profile: profile.name,
    way,
    quantity: 'queue',
    unit: 'packets',
    asked,
    measured,
    interval: null,
    tolerance: `${more} more`,
    ok: measured >= asked && measured <= asked + more,
  }
}

/** @param passage twice as many packets as pass @param policer the profile's */
export const policerRow = (
  profile: LinkProfile,
  way: Way,
  policer: NonNullable<DirectionProfile['policer']>,
  passage: Passage,
): Row => {
  const { load, sent } = passage
  const took = (sent.at(-1) ?? 0) - (sent[0] ?? 0)
  const passed = policer.burst + (policer.rate * took) / SECOND
  const asked = passed * (1 - lossOf(profile[way], load.size))
  const measured = arrivalsOf(passage).length
  return {
    profile: profile.name,
    way,
    quantity: 'policer',
    unit: 'packets',
    asked,
    measured,
    interval: null,
    tolerance: `${RATE_OFF * 100} % and 1`,
    ok: Math.abs(measured - asked) <= 1 + RATE_OFF * asked,
  }
}

/** Of all that crossed the link between two accounts. */
export const accountRows = (
  profile: LinkProfile,
  before: LinkAccount,
  after: LinkAccount,
): Row[] => {
  const place = { profile: profile.name, way: 'both', interval: null } as const
  const delivered = after.delivered - before.delivered
  const drops = after.unplannedDrops - before.unplannedDrops
  const late = (after.latePackets - before.latePackets) / Math.max(1, delivered)
  return [
    {
      ...place,
      quantity: 'unplanned drops',
      unit: 'packets',
      asked: 0,
      measured: drops,
      tolerance: 'none',
      ok: drops === 0,
    },
    {
      ...place,
      quantity: 'over 1 ms late',
      unit: '%',
      asked: 0,
      measured: late * 100,
      tolerance: `${MOST_LATE * 100} %`,
      ok: late <= MOST_LATE,
    },
  ]
}
