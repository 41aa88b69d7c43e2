/** Every impairment, alone and together with others: one suite (impairments.test.ts) runs against each. */
import { MILLISECOND } from '../../core/clock.ts'
import {
  CLEAR_LINK,
  type DirectionProfile,
  type LinkProfile,
  type TimelineEvent,
} from '../../core/link-profile.ts'
import { shape } from './profile.cases.ts'
import type { Traces } from './links.ts'
import { bothWays } from './virtual-link.cases.ts'

export interface Case {
  readonly name: string
  readonly link: LinkProfile
  readonly timeline?: readonly TimelineEvent[]
  /** Packets of a device may leave in another order than they came. */
  readonly reorders?: true
  /** What of this happens to some packets of the test's traffic. */
  readonly shows: string
  /** What one device sends may hold up, or crowd out, what another does. */
  readonly shares?: true
}

const TRACE = { file: '/a', digest: 'a' }

/** Of a link with a trace: one opportunity every 20 ms. */
export const tracesOf = ({ up, down }: LinkProfile): Traces => {
  const times = ({ trace }: DirectionProfile): Uint32Array | null =>
    trace === null ? null : Uint32Array.of(20)
  return { up: times(up), down: times(down) }
}

const queue = { limit: 5, unit: 'packets' as const }
const codel = { target: 5 * MILLISECOND, interval: 20 * MILLISECOND }
const wake = { delay: 30 * MILLISECOND, inactivity: 10 * MILLISECOND }
const reorder = { ratio: 0.2, by: 15 * MILLISECOND }
const shared = {
  up: { rate: 1e6, queue: { limit: 8000, unit: 'bytes' as const } },
  down: { rate: 2e6, queue: null },
}
const loss = { kind: 'time' as const, ratio: 0.2, burst: 20 * MILLISECOND }

/** In the middle of the traffic, for two devices of three. */
const change: TimelineEvent = {
  kind: 'change',
  at: 51 * MILLISECOND,
  for: 60 * MILLISECOND,
  up: { rate: 3e5, queue: { limit: 2, unit: 'packets' }, delay: 20 * MILLISECOND },
  down: { rate: 4e6, loss, jitter: 2 * MILLISECOND },
  devices: 0.67,
}

export const CASES: readonly Case[] = [
  { name: 'no impairment', shows: '', link: CLEAR_LINK },
  { name: 'delay', shows: 'late', link: bothWays({ delay: 5 * MILLISECOND }) },
  {
    name: 'jitter',
    shows: 'late',
    link: bothWays({ delay: 5 * MILLISECOND, jitter: 3 * MILLISECOND }),
  },
  {
    name: 'overtaking',
    shows: 'late overtaken',
    link: bothWays({ delay: 5 * MILLISECOND, jitter: 3 * MILLISECOND, overtaking: true }),
    reorders: true,
  },
  { name: 'reordering', shows: 'late overtaken', link: bothWays({ reorder }), reorders: true },
  { name: 'a rate', shows: 'late', link: bothWays({ rate: 1e6 }) },
  { name: 'a token bucket', shows: 'late', link: bothWays({ rate: 1e6, rateBurst: 4000 }) },
  { name: 'a queue in packets', shows: 'late overflowed', link: bothWays({ rate: 1e6, queue }) },
  {
    name: 'a queue in bytes',
    shows: 'late overflowed',
    link: bothWays({ rate: 1e6, queue: { limit: 4000, unit: 'bytes' } }),
  },
  {
    name: 'a queue before overtaking',
    shows: 'late overflowed overtaken',
    link: bothWays({ rate: 1e6, queue, jitter: 9e6, overtaking: true }),
    reorders: true,
  },
  { name: 'CoDel', shows: 'late overflowed', link: bothWays({ rate: 1e6, codel }) },
  {
    name: 'CoDel with a queue and a token bucket',
    shows: 'late overflowed',
    link: bothWays({ rate: 5e5, rateBurst: 3000, codel, queue }),
  },
  { name: 'a delivery trace', shows: 'late overflowed', link: bothWays({ trace: TRACE, queue }) },
  {
    name: 'CoDel before a delivery trace',
    shows: 'late overflowed',
    link: bothWays({ trace: TRACE, codel }),
  },
  { name: 'a policer', shows: 'overflowed', link: bothWays({ policer: { rate: 100, burst: 3 } }) },
  { name: 'loss in bursts', shows: 'lost', link: bothWays({ loss }) },
  {
    name: 'duplication',
    shows: 'late overflowed duplicated',
    link: bothWays({ duplicate: 0.3, rate: 1e6, queue }),
  },
  { name: 'corruption', shows: 'corrupted', link: bothWays({ corrupt: 0.3 }) },
  {
    name: 'half duplex',
    shows: 'late overflowed',
    link: bothWays({ rate: 1e6, queue }, { halfDuplex: true }),
  },
  {
    name: 'half duplex with CoDel',
    shows: 'late overflowed',
    link: bothWays({ rate: 1e6, codel }, { halfDuplex: true }),
  },
  {
    name: 'half duplex of a trace and a rate',
    shows: 'late',
    link: {
      ...CLEAR_LINK,
      up: shape({ trace: TRACE }),
      down: shape({ rate: 1e6 }),
      halfDuplex: true,
    },
  },
  {
    name: 'half duplex with CoDel one way',
    shows: 'late overflowed',
    link: {
      ...CLEAR_LINK,
      up: shape({ rate: 1e6, codel }),
      down: shape({ rate: 1e6, queue }),
      halfDuplex: true,
    },
  },
  { name: 'waking up', shows: 'late overflowed', link: bothWays({ queue }, { wake }) },
  {
    name: 'waking up before CoDel',
    shows: 'late overflowed',
    link: bothWays({ rate: 1e6, codel }, { wake }),
  },
  {
    name: 'a shared bottleneck',
    shows: 'late overflowed',
    link: bothWays({ delay: 3e6 }, { shared }),
    shares: true,
  },
  {
    name: 'a shared bottleneck one way',
    shows: 'late overflowed',
    link: bothWays({ delay: 3e6 }, { shared: { up: null, down: shared.up } }),
    shares: true,
  },
  {
    name: 'a change',
    shows: 'late overflowed lost',
    link: bothWays({ delay: 3e6, rate: 1e6, queue }),
    timeline: [change],
  },
  {
    name: 'a change with CoDel and a shared bottleneck',
    shows: 'late overflowed lost',
    link: bothWays({ delay: 3e6, rate: 1e6, codel }, { shared }),
    timeline: [change],
    shares: true,
  },
  {
    name: 'everything',
    shows: 'late overflowed lost duplicated corrupted overtaken',
    link: bothWays(
      {
        delay: 5 * MILLISECOND,
        jitter: 3 * MILLISECOND,
        overtaking: true,
        rate: 1e6,
        rateBurst: 2000,
        queue,
        codel,
        loss,
        frame: 127,
        duplicate: 0.1,
        corrupt: 0.1,
        reorder,
        policer: { rate: 500, burst: 10 },
      },
      { halfDuplex: true, wake, shared },
    ),
    timeline: [change],
    reorders: true,
    shares: true,
  },
]
