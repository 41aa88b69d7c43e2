/** The keys that both directions of a link have, as one table: each says which values of the `DirectionProfile` it sets. */
import {
  CLEAR_DIRECTION,
  type DirectionProfile,
  type JitterDistribution,
} from '../core/link-profile.ts'
import { defaulted, optional, record, required } from './containers.ts'
import { loss } from './loss.ts'
import { queueRule } from './queue.ts'
import { rateRule } from './rate.ts'
import { refined, scalarOr, type Rule } from './rule.ts'
import { choice, flag, quantity } from './scalars.ts'

const LONGEST_DELAY = 60e9

export const delayRule = quantity('duration', 0, LONGEST_DELAY)

/** Not all: what never gets through, or is always broken, is no network. */
const share = quantity('ratio', 0, 0.95)

const DISTRIBUTIONS: readonly JitterDistribution[] = ['normal', 'uniform', 'pareto']

type Jitter = Pick<DirectionProfile, 'jitter' | 'distribution' | 'overtaking'>

const jitter: Rule<Jitter> = scalarOr(
  refined(delayRule, (deviation) => ({
    jitter: deviation,
    distribution: CLEAR_DIRECTION.distribution,
    overtaking: false,
  })),
  refined(
    record({
      deviation: required('Standard deviation of the extra delay.', delayRule),
      distribution: defaulted('Shape of the extra delay.', choice(DISTRIBUTIONS), 'normal'),
      overtaking: defaulted(
        'false: it varies over time, and packets keep their order. true: it is drawn for each packet.',
        flag(),
        false,
      ),
    }),
    ({ deviation, ...rest }) => ({ jitter: deviation, ...rest }),
  ),
)

const reorder: Rule<Pick<DirectionProfile, 'reorder'>> = refined(
  record({
    share: required('Fraction of packets that arrive later than others.', share),
    by: required('How much later they arrive.', quantity('duration', 1e3, LONGEST_DELAY)),
  }),
  ({ share: ratio, by }) => ({ reorder: { ratio, by } }),
)

const policer: Rule<Pick<DirectionProfile, 'policer'>> = refined(
  record({
    rate: required('Packets per second that pass.', quantity('packetRate', 1)),
    burst: required('Packets that pass at once after a pause.', quantity('packets', 1)),
  }),
  (values) => ({ policer: values }),
)

/** `folder`: from where paths of traces count. */
export const directionFields = (folder: string) => ({
  delay: optional(
    'One-way delay.',
    refined(delayRule, (delay) => ({ delay })),
  ),
  jitter: optional(
    'Standard deviation of the extra delay, or a mapping with its distribution.',
    jitter,
  ),
  rate: optional(
    'Bits of IP packets per second, unlimited, a token bucket, or a recorded trace.',
    rateRule(folder),
  ),
  queue: optional(
    'Packets or bytes that wait for the rate limiter at most, unlimited, or a mapping with CoDel.',
    queueRule,
  ),
  loss: optional(
    'Fraction of packets lost; or a mapping, for loss in bursts or of certain packets.',
    refined(loss, (value) => ({ loss: value })),
  ),
  frame: optional(
    'Bytes of a packet in one link-layer frame: loss strikes frames, and a packet needs all of its own.',
    refined(quantity('size', 8, 65_535), (frame) => ({ frame })),
  ),
  duplicate: optional(
    'Fraction of packets that arrive twice.',
    refined(share, (duplicate) => ({ duplicate })),
  ),
  corrupt: optional(
    'Fraction of packets with one flipped bit.',
    refined(share, (corrupt) => ({ corrupt })),
  ),
  reorder: optional('Packets that arrive later, and are overtaken.', reorder),
  policer: optional('Packets above a rate are dropped, not queued.', policer),
})

const KEYS = Object.keys(directionFields('')) as (keyof DirectionKeys)[]

/** Key -> the values that it sets; absent keys set none. */
export type DirectionKeys = {
  readonly [K in keyof ReturnType<typeof directionFields>]: Partial<DirectionProfile> | undefined
}

/** What others write. */
export const SYNONYMS = {
  bandwidth: 'rate',
  throughput: 'rate',
  trace: 'rate.trace',
  latency: 'delay',
  rtt: 'delay, which is one way: half of the round trip',
  limit: 'queue',
  buffer: 'queue',
  codel: 'queue.codel',
  aqm: 'queue.codel',
  distribution: 'jitter.distribution',
  overtaking: 'jitter.overtaking',
  packet_loss: 'loss',
  burst: 'loss.burst or rate.burst',
  duplication: 'duplicate',
  corruption: 'corrupt',
  reordering: 'reorder',
  fragment: 'frame',
  police: 'policer',
} as const

/** One direction: what both share, and instead of it what this one says. */
export const directionOf = (both: DirectionKeys, one: DirectionKeys): DirectionProfile =>
  Object.assign({}, CLEAR_DIRECTION, ...KEYS.map((key) => one[key] ?? both[key]))
