/** Which parts a direction has, by its profile, and how its lines stand in the calendars. */
import type { ChangeableValues, DirectionProfile, LinkProfile } from '../../core/link-profile.ts'
import { ActiveQueue } from './active-queue.ts'
import type { Calendar } from './calendar.ts'
import { Chance } from './chance.ts'
import { DOWN, UP, type Channel, type DirectionIndex } from './channel.ts'
import { CodelLaw } from './codel.ts'
import type { HalfDuplex } from './half-duplex.ts'
import { Lines } from './lines.ts'
import { Policer } from './policer.ts'
import type { PacketPool } from './pool.ts'
import { Queue } from './queue.ts'
import { Radio } from './radio.ts'
import { Rate, type Serialiser } from './rate.ts'
import { Shared } from './shared.ts'
import { Trace, type Opportunities } from './trace.ts'
import type { Wake } from './wake.ts'

/** What both directions of all links have in common. */
export interface Medium {
  readonly pool: PacketPool
  readonly profile: LinkProfile
  readonly probes: number
  /** Entries of packets that leave the link next. */
  readonly exits: Calendar
  /** Entries of packets that go on inside the link next; null where none ever does. */
  readonly moves: Calendar | null
  readonly duplex: HalfDuplex | null
  readonly wake: Wake | null
}

/** What a direction has to itself. */
export interface Side {
  readonly index: DirectionIndex
  readonly channel: Channel
  /** Of the profile's trace. */
  readonly opportunities: Opportunities | null
  /** What the timeline is going to change. */
  readonly changes: ReadonlySet<keyof ChangeableValues>
}

export interface Parts {
  readonly chance: Chance
  readonly loses: boolean
  readonly policer: Policer | null
  readonly queue: Queue | null
  readonly rate: Rate | null
  readonly serialiser: Serialiser | null
  readonly activeQueue: ActiveQueue | null
  readonly shared: Shared | null
  /** Packets from the server meet what all devices share before what each has of its own. */
  readonly sharedFirst: boolean
  /** Where packets are under way through their device's own link. */
  readonly own: Lines
  /** Where packets are on the last part of their way, probes too. */
  readonly exit: Lines
  /** The exit line of probe 0. */
  readonly firstProbe: number
  /** The inner line in which packets of device 0 wait for their turn. */
  readonly firstWaiting: number
  /** All lines in which packets can be. */
  readonly lines: readonly Lines[]
}

/** Entries that both directions may have in a calendar of exits, or of moves. */
export const exitEntries = (devices: number, probes: number): number => 2 * (devices + 1 + probes)
export const moveEntries = (devices: number): number => 2 * (devices + 1 + devices)

/** Whether packets of either direction wait inside the link for something that is not known when they arrive. */
export const hasMoves = ({ up, down, shared }: LinkProfile): boolean =>
  up.codel !== null || down.codel !== null || shared.up !== null || shared.down !== null

const mayLose = ({ loss }: DirectionProfile): boolean => loss.kind === 'list' || loss.ratio > 0

/** Whether packets take their turn when it comes: if one of two directions on one medium does, both do. */
const contends = ({ up, down, halfDuplex }: LinkProfile, { codel }: DirectionProfile): boolean =>
  codel !== null || (halfDuplex && (up.codel !== null || down.codel !== null))

export const partsOf = (medium: Medium, side: Side): Parts => {
  const { pool, profile: link } = medium
  const { index, channel, changes } = side
  const { devices } = channel
  const profile = index === UP ? link.up : link.down
  const rate =
    profile.rate !== null || changes.has('rate')
      ? new Rate(profile.rate, profile.rateBurst, devices)
      : null
  const serialiser = serialiserOf(medium, side, rate)
  const counted = profile.queue !== null || contends(link, profile) || changes.has('queue')
  // Without a serialiser nothing ever waits before it.
  const queue = serialiser !== null && counted ? new Queue(pool, profile.queue, devices) : null
  const ways = waysOf(medium, side)
  const parts = {
    chance: new Chance(channel, profile),
    loses: mayLose(profile) || changes.has('loss'),
    policer: profile.policer === null ? null : new Policer(profile.policer, devices),
    queue,
    rate,
    serialiser,
    ...ways,
  }
  const { moves, duplex } = medium
  if (!contends(link, profile) || queue === null || serialiser === null || moves === null)
    return { ...parts, activeQueue: null }
  const law = profile.codel === null ? null : new CodelLaw(profile.codel, link.mtu, devices)
  const waiting = new Lines(pool, moves, devices, index + 2 * ways.firstWaiting)
  const activeQueue = new ActiveQueue(pool, waiting, queue, law, serialiser, duplex, index)
  return { ...parts, activeQueue, lines: [...ways.lines, waiting] }
}

const serialiserOf = (medium: Medium, side: Side, rate: Rate | null): Serialiser | null => {
  const { duplex, wake } = medium
  const { channel, opportunities } = side
  const own = opportunities === null ? rate : new Trace(opportunities, channel)
  if (duplex === null && wake === null) return own
  return new Radio(own ?? new Rate(null, 0, channel.devices), duplex, wake)
}

type Ways = Pick<
  Parts,
  'shared' | 'sharedFirst' | 'own' | 'exit' | 'firstProbe' | 'firstWaiting' | 'lines'
>

/** The lines through the device's own link and, if there is one, through what all share. */
const waysOf = (medium: Medium, side: Side): Ways => {
  const { pool, probes, exits, moves, profile } = medium
  const { index, channel } = side
  const { devices } = channel
  const shared = index === UP ? profile.shared.up : profile.shared.down
  const linesIn = (calendar: Calendar, count: number): Lines =>
    new Lines(pool, calendar, count, index)
  if (shared === null || moves === null) {
    const own = linesIn(exits, devices + probes)
    const noShared = { shared: null, sharedFirst: false, firstWaiting: 0 }
    return { ...noShared, own, exit: own, firstProbe: devices, lines: [own] }
  }
  if (index === DOWN) {
    const [inner, own] = [linesIn(moves, 1), linesIn(exits, devices + probes)]
    const tower = { shared: new Shared(pool, shared, inner), sharedFirst: true, firstWaiting: 1 }
    return { ...tower, own, exit: own, firstProbe: devices, lines: [inner, own] }
  }
  const [own, exit] = [linesIn(moves, devices), linesIn(exits, 1 + probes)]
  const tower = { shared: new Shared(pool, shared, exit), sharedFirst: false }
  return { ...tower, own, exit, firstProbe: 1, firstWaiting: devices, lines: [own, exit] }
}
