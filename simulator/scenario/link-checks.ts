/** Values of a link that are each right and do not go together. */
import type { DirectionProfile, LinkProfile } from '../core/link-profile.ts'
import { formatQuantity } from '../core/units.ts'
import type { Finding, Problems, Spot } from './problem.ts'
import type { RawMapping, RawNode } from './read.ts'

interface Fault extends Finding {
  /** The key to which it belongs. */
  readonly key: string
  /** The key does nothing here; where both directions share it, it may do something in the other one. */
  readonly idle?: true
}

const QUEUE_WITHOUT_RATE: Finding = {
  found: 'a queue without a rate',
  allowed: 'a queue where a rate limits',
  advice: 'Where nothing limits, nothing waits: add a rate, or leave the queue out.',
}

/** What does not go together in one direction. */
export const directionFaults = (one: DirectionProfile, mtu: number): Fault[] => [
  ...queueFaults(one, mtu),
  ...lossFaults(one),
  ...(one.rateBurst > 0 && one.rateBurst < mtu
    ? [
        {
          key: 'rate',
          found: `a burst of ${formatQuantity(one.rateBurst, 'size')}`,
          allowed: `a burst of ${formatQuantity(mtu, 'size')} (the mtu) or more, because a packet leaves whole`,
        },
      ]
    : []),
  ...(one.jitter > one.delay
    ? [
        {
          key: 'jitter',
          found: `a deviation of ${formatQuantity(one.jitter, 'duration')} with a delay of ${formatQuantity(one.delay, 'duration')}`,
          allowed: 'at most the delay',
          advice:
            'No packet arrives before it leaves: with more jitter than delay, mean and deviation would be others than asked for.',
        },
      ]
    : []),
]

const queueFaults = ({ queue, codel, rate, trace }: DirectionProfile, mtu: number): Fault[] => {
  const faults: Fault[] = []
  if ((queue !== null || codel !== null) && rate === null && trace === null)
    faults.push({ key: 'queue', ...QUEUE_WITHOUT_RATE, idle: true })
  if (queue?.unit === 'bytes' && queue.limit < mtu)
    faults.push({
      key: 'queue',
      found: formatQuantity(queue.limit, 'size'),
      allowed: `${formatQuantity(mtu, 'size')} (the mtu) or more, because otherwise a large packet never fits`,
    })
  return faults
}

const lossFaults = ({ frame, loss }: DirectionProfile): Fault[] => {
  if (frame === null) return []
  const key = 'frame'
  if (loss.kind !== 'time')
    return [
      {
        key,
        found: 'a frame with a loss that counts packets',
        allowed: 'a frame with a share of loss, or with a burst in time',
        advice: 'Loss strikes frames there, so packets cannot be counted.',
      },
    ]
  if (loss.ratio > 0) return []
  return [
    {
      key,
      found: 'a frame without loss',
      allowed: 'a frame where there is loss, which strikes frames',
      advice: 'Add loss, or leave the frame out.',
      idle: true,
    },
  ]
}

const mappingIn = (node: RawMapping, key: string): RawMapping | undefined => {
  const inner = node.entries.get(key)?.value
  return inner?.kind === 'mapping' ? inner : undefined
}

/** Where the value of a key stands, with its path: in the direction's own mapping, or beside it. */
const placeOf = (
  node: RawMapping,
  path: string,
  direction: 'up' | 'down',
  key: string,
): { readonly spot: Spot; readonly path: string; readonly own: boolean } => {
  const own: RawNode | undefined = mappingIn(node, direction)?.entries.get(key)?.value
  if (own) return { spot: own, path: inside(path, `${direction}.${key}`), own: true }
  return { spot: node.entries.get(key)?.value ?? node, path: inside(path, key), own: false }
}

const inside = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`)

const checkDirections = (
  link: LinkProfile,
  node: RawMapping,
  path: string,
  problems: Problems,
): void => {
  const faults = {
    up: directionFaults(link.up, link.mtu),
    down: directionFaults(link.down, link.mtu),
  }
  const told = new Set<string>()
  for (const direction of ['up', 'down'] as const)
    for (const { key, idle, ...finding } of faults[direction]) {
      const place = placeOf(node, path, direction, key)
      const other = direction === 'up' ? 'down' : 'up'
      const both = !place.own && !placeOf(node, path, other, key).own
      const useful = idle && both && !faults[other].some((fault) => fault.key === key && fault.idle)
      const what = `${place.path} ${finding.found}`
      if (useful || told.has(what)) continue
      told.add(what)
      problems.add(place.spot, place.path, finding)
    }
}

const checkShared = (
  { shared, mtu }: LinkProfile,
  node: RawMapping,
  path: string,
  problems: Problems,
): void => {
  const spot = node.entries.get('shared')?.value
  if (!spot) return
  const where = inside(path, 'shared')
  const nowhere = shared.up === null && shared.down === null
  for (const direction of nowhere ? [] : (['up', 'down'] as const)) {
    const own = spot.kind === 'mapping' ? spot.entries.get(direction)?.value : undefined
    if (shared[direction] === null && own?.kind === 'mapping' && own.entries.has('queue'))
      problems.add(own, `${where}.${direction}`, QUEUE_WITHOUT_RATE)
  }
  if (nowhere)
    problems.add(spot, where, {
      found: 'no rate',
      allowed: 'a rate, for both directions or in up or down',
      advice: 'It is the rate that devices share: add it, or leave "shared" out.',
    })
  for (const one of [shared.up, shared.down])
    if (one?.queue?.unit === 'bytes' && one.queue.limit < mtu) {
      problems.add(spot, where, {
        found: `a queue of ${formatQuantity(one.queue.limit, 'size')}`,
        allowed: `${formatQuantity(mtu, 'size')} (the mtu) or more, because otherwise a large packet never fits`,
      })
      return
    }
}

/** Reports what does not go together in the mapping of a link. */
export const checkLink = (
  link: LinkProfile,
  node: RawMapping,
  path: string,
  problems: Problems,
): void => {
  checkDirections(link, node, path, problems)
  checkShared(link, node, path, problems)
  const { up, down, halfDuplex } = link
  if (halfDuplex && (up.rate === null || down.rate === null))
    problems.add(node.entries.get('half_duplex')?.value ?? node, inside(path, 'half_duplex'), {
      found: 'half_duplex without a rate in each direction',
      allowed: 'half_duplex with a rate for both directions (no trace)',
      advice: 'A direction waits while the other sends, and sending takes time only at a rate.',
    })
}
