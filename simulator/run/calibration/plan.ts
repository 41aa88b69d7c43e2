/** Which traffic shows whether one direction of a link does what its profile asks. */
import { MILLISECOND, SECOND, type Nanoseconds } from '../../core/clock.ts'
import type { DirectionProfile, LinkProfile } from '../../core/link-profile.ts'
import { lossOf, narrowest, queueIn, serialisation, type Way } from './asked.ts'
import type { Load } from './traffic-protocol.ts'

/** How long it may take. */
export interface Effort {
  /** Packets that are sent one by one, to see delay, jitter and loss. */
  readonly samples: number
  /** Seconds of them at most. */
  readonly longest: number
  /** Seconds in which a link is saturated. */
  readonly saturated: number
}
export const FULL: Effort = { samples: 4000, longest: 20, saturated: 10 }
export const QUICK: Effort = { samples: 1000, longest: 4, saturated: 2 }

/** Each has its own delay and losses, so that a sample of many says more than one of few. */
export const DEVICES = 200
const SMALL = 100
const LARGE = 1250
/** Packets per second over all devices, at most, where they are to find an empty link. */
const SPARSE = 1000
/** A device's packets are so far apart that they know nothing of each other (network/emulator/jitter.ts: knots are up to 16 deviations apart). */
const LEAST_GAP: Nanoseconds = 250 * MILLISECOND
const DEVIATIONS_APART = 20
const SERIALISATIONS_APART = 10
/** Share of what all devices have in common that such packets may take. */
const SHARED_SHARE = 0.1
/** What is offered to a saturated link, of what it carries. */
const OVERLOAD = 1.3
/** Packets per second beyond which saturating would test this machine, and not the link. */
const MOST_PACKETS = 5000
/** More packets tell no more of a rate. */
const PACKETS_OF_RATE = 100
const MARGIN: Nanoseconds = 300 * MILLISECOND

export interface Plan {
  readonly way: Way
  /** One by one. */
  readonly sparse: Load
  /** More than the link carries; null: see `unchecked`. */
  readonly saturating: Load | null
  /** More at once than the queue holds. */
  readonly burst: Load | null
  /** More packets than the policer lets pass. */
  readonly policed: Load | null
  /** What of the profile this traffic cannot show, and why. */
  readonly unchecked: readonly string[]
}

export const planOf = (profile: LinkProfile, way: Way, effort: Effort): Plan => {
  const reasons = reasonsAgainstSaturation(profile, way)
  const rate = narrowest(profile, way)
  const size = sizeFor(profile, rate ?? Infinity, effort)
  const packets = (rate ?? 0) / (8 * size)
  const tooFast = packets * OVERLOAD > MOST_PACKETS
  if (rate !== null && tooFast)
    reasons.push(`rate: it takes ${Math.round(packets)} packets/s, which would test this machine`)
  const saturates = rate !== null && reasons.length === 0
  const queue = queueIn(profile[way], size)
  const drain = queue === null ? 0 : queue / packets
  const longQueue = drain > effort.longest
  const hasQueue = queue !== null && saturates && profile.shared[way] === null
  return {
    way,
    sparse: sparseLoad(profile, way, effort),
    saturating: saturates ? saturatingLoad(profile, way, size, packets, effort) : null,
    burst: hasQueue && !longQueue ? burstLoad(profile, way, size, packets, queue) : null,
    policed: policedLoad(profile[way], way, effort),
    unchecked: [
      ...(rate === null ? [] : reasons),
      ...(hasQueue && longQueue ? [`queue: it takes ${Math.round(drain)} s to empty`] : []),
      ...(queue !== null && saturates && !hasQueue ? ['queue: it stands before a shared one'] : []),
      ...uncheckedIn(profile[way]),
    ],
  }
}

const reasonsAgainstSaturation = (profile: LinkProfile, way: Way): string[] => {
  const { codel, policer, duplicate, trace } = profile[way]
  const losesBehind = way === 'down' && profile.shared.down !== null && lossOf(profile.down, 1) > 0
  return [
    ...(losesBehind ? ['rate: packets are lost behind what all share'] : []),
    ...(trace === null ? [] : ['rate: it follows a trace']),
    ...(policer === null ? [] : ['rate and queue: the policer comes first']),
    ...(codel === null ? [] : ['rate and queue: CoDel drops what waits too long']),
    ...(duplicate === 0 ? [] : ['rate and queue: copies take their share']),
  ]
}

const uncheckedIn = ({ trace, reorder, loss, codel }: DirectionProfile): string[] => [
  ...(trace === null ? [] : ['delay: it follows a trace']),
  ...(reorder === null ? [] : ['delay and reordering: some packets are held back']),
  ...(loss.kind === 'list' ? ['loss: it strikes listed packets'] : []),
  ...(codel === null ? [] : ['CoDel']),
]

/** Large packets, or smaller ones where a slow link would carry too few. */
const sizeFor = ({ mtu }: LinkProfile, rate: number, { saturated }: Effort): number =>
  Math.round(Math.min(LARGE, mtu, Math.max(SMALL, (rate * saturated) / (8 * PACKETS_OF_RATE))))

const deviationsOf = ({ delay, jitter, reorder }: DirectionProfile): Nanoseconds =>
  delay + 20 * jitter + (reorder?.by ?? 0)

const sparseLoad = (profile: LinkProfile, way: Way, effort: Effort): Load => {
  const shape = profile[way]
  const shared = profile.shared[way]
  const occupied = serialisation({ ...shape, rateBurst: 0 }, shared, SMALL)
  const apart = Math.max(
    LEAST_GAP,
    DEVIATIONS_APART * shape.jitter,
    SERIALISATIONS_APART * occupied,
    shape.policer === null ? 0 : (2 * SECOND) / shape.policer.rate,
  )
  const common = shared === null ? Infinity : (SHARED_SHARE * shared.rate) / (8 * SMALL)
  const rate = Math.min(SPARSE, common, (DEVICES * SECOND) / apart)
  const count = Math.max(DEVICES, Math.min(effort.samples, Math.floor(rate * effort.longest)))
  // A whole number for each device, because devices are the blocks of what is judged.
  const whole = Math.floor(count / DEVICES) * DEVICES
  const settle = deviationsOf(shape) + SERIALISATIONS_APART * occupied + MARGIN
  return { direction: way, count: whole, rate, size: SMALL, devices: DEVICES, settle }
}

const saturatingLoad = (
  profile: LinkProfile,
  way: Way,
  size: number,
  packets: number,
  { saturated }: Effort,
): Load => {
  const shape = profile[way]
  const rate = (packets * OVERLOAD) / (1 - lossOf(shape, size))
  const count = Math.ceil(rate * saturated)
  const waiting = Math.min(queueIn(shape, size) ?? Infinity, (OVERLOAD - 1) * packets * saturated)
  const beyond = profile.shared[way]?.queue
  const shared = beyond?.unit === 'packets' ? beyond.limit : 0
  const settle = deviationsOf(shape) + ((waiting + shared) / packets) * SECOND + MARGIN
  return { direction: way, count, rate, size, devices: 1, settle }
}

const burstLoad = (
  profile: LinkProfile,
  way: Way,
  size: number,
  packets: number,
  queue: number,
): Load => {
  const shape = profile[way]
  const count = Math.ceil((queue * 1.2 + 20) / (1 - lossOf(shape, size)))
  const settle = deviationsOf(shape) + ((1.2 * queue + 20) / packets) * SECOND + MARGIN
  return { direction: way, count, rate: null, size, devices: 1, settle }
}

const policedLoad = (shape: DirectionProfile, way: Way, { saturated }: Effort): Load | null => {
  if (shape.policer === null || shape.policer.rate * 2 > MOST_PACKETS) return null
  const rate = shape.policer.rate * 2
  const count = Math.ceil(rate * saturated)
  return {
    direction: way,
    count,
    rate,
    size: SMALL,
    devices: 1,
    settle: deviationsOf(shape) + MARGIN,
  }
}
