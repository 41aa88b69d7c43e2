import { NEVER, type Nanoseconds } from '../../core/clock.ts'
import type { ChangeableValues, TimelineEvent } from '../../core/link-profile.ts'
import type { LinkConfig } from '../link-protocol.ts'
import { Calendar } from './calendar.ts'
import { Channel, DOWN, UP, type DirectionIndex } from './channel.ts'
import { Direction } from './direction.ts'
import type { Epochs } from './epochs.ts'
import type { Changeable } from './happenings.ts'
import { HalfDuplex } from './half-duplex.ts'
import { exitEntries, hasMoves, moveEntries, type Medium } from './parts.ts'
import { NONE, type PacketPool } from './pool.ts'
import { Opportunities } from './trace.ts'
import { Wake } from './wake.ts'

/** The delivery traces that the two directions ask for: see parseDeliveryTrace. */
export interface Traces {
  readonly up: Uint32Array | null
  readonly down: Uint32Array | null
}

const NO_TRACES: Traces = { up: null, down: null }

/** Which values of a direction the timeline is going to change. */
const changedBy = (
  timeline: readonly TimelineEvent[],
  index: DirectionIndex,
): ReadonlySet<keyof ChangeableValues> => {
  const names = timeline.flatMap((event) =>
    event.kind === 'change' ? Object.keys(index === UP ? event.up : event.down) : [],
  )
  return new Set(names as (keyof ChangeableValues)[])
}

/** The links of all devices: both directions, and who is due next in them. */
export class Links {
  /** Of the packet that `take` returned: the direction in which it goes on. */
  takenDirection: DirectionIndex = UP
  /** What the timeline changes. */
  readonly changeable: readonly [Changeable, Changeable]
  readonly #directions: readonly [Direction, Direction]
  readonly #exits: Calendar
  /** Of packets that go on inside the link; null where none ever does. */
  readonly #moves: Calendar | null

  constructor(config: LinkConfig, pool: PacketPool, epochs: Epochs, traces = NO_TRACES) {
    const { devices, probes, profile, seed, timeline } = config
    this.#exits = new Calendar(exitEntries(devices, probes))
    this.#moves = hasMoves(profile) ? new Calendar(moveEntries(devices)) : null
    const medium: Medium = {
      pool,
      profile,
      probes,
      exits: this.#exits,
      moves: this.#moves,
      duplex: profile.halfDuplex ? new HalfDuplex(devices) : null,
      wake: profile.wake === null ? null : new Wake(profile.wake, devices),
    }
    const direction = (index: DirectionIndex, trace: Uint32Array | null): Direction =>
      new Direction(medium, {
        index,
        channel: new Channel(seed, index, devices, epochs),
        opportunities: trace === null ? null : new Opportunities(trace),
        changes: changedBy(timeline, index),
      })
    this.#directions = [direction(UP, traces.up), direction(DOWN, traces.down)]
    const [up, down] = this.#directions
    this.changeable = [this.#changeable(up), this.#changeable(down)]
  }

  /** The packet in `slot` comes to the link at `now`, after all that happens inside by then. */
  arrive(direction: DirectionIndex, device: number, slot: number, now: Nanoseconds): void {
    if (this.#moves !== null) this.#settle(this.#moves, now)
    this.#directions[direction].arrive(device, slot, now)
  }

  /** When the next packet leaves the link, or goes on inside it, or NEVER. */
  nextDue(): Nanoseconds {
    const due = this.#exits.next()
    return this.#moves === null ? due : Math.min(due, this.#moves.next())
  }

  /** When a packet goes on inside the link, if none leaves it before, or NEVER. */
  nextMove(): Nanoseconds {
    const move = this.#moves?.next() ?? NEVER
    return move <= this.#exits.next() ? move : NEVER
  }

  /** Takes out the packet that is due at `nextDue()`, or NONE: it went on inside the link, or was dropped there. */
  take(): number {
    if (this.#moves !== null && this.#moves.next() <= this.#exits.next()) {
      this.#move(this.#moves)
      return NONE
    }
    const entry = this.#exits.first()
    this.takenDirection = (entry & 1) as DirectionIndex
    return this.#directions[this.takenDirection].take(entry >> 1)
  }

  /** Packets inside, counted one by one. */
  packets(): number {
    const [up, down] = this.#directions
    return up.packets() + down.packets()
  }

  /** Of both directions. */
  sum(what: 'lost' | 'overflowed' | 'duplicated' | 'corrupted'): number {
    const [up, down] = this.#directions
    return up[what] + down[what]
  }

  /** What happens inside before a change meets what held then. */
  #changeable(direction: Direction): Changeable {
    return {
      change: (first, end, values, at) => {
        if (this.#moves !== null) this.#settle(this.#moves, at)
        direction.change(first, end, values)
      },
    }
  }

  #settle(moves: Calendar, now: Nanoseconds): void {
    while (moves.next() <= now) this.#move(moves)
  }

  #move(moves: Calendar): void {
    const entry = moves.first()
    this.#directions[(entry & 1) as DirectionIndex].move(entry >> 1, moves.next())
  }
}
