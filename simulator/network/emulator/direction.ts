/**
 * One direction of every device's link, in whatever time it is given. What a profile does not ask for is not there.
 *
 *     up:    arrive ──> own link of the device ──> Shared ──> take, when it is due
 *     down:  arrive ──> Shared ──> own link of the device ──> take, when it is due
 *
 *     own link:
 *
 *     ──> Policer ──> Loss ──> Duplicate ──> Queue ──> Rate or Trace ──> Corrupt ──> Delay ──> Lines ──>
 *            │          │                      │        (Radio: HalfDuplex, Wake)
 *        overflowed    lost               overflowed
 *
 * All is known when a packet arrives, in closed form, so a packet needs one entry in one calendar. There are two
 * exceptions: between its own link and the shared one it must wait for those of others that come there before it; and
 * with CoDel (ActiveQueue) its fate is decided when it is its turn. Then it has an entry in a second calendar first.
 *
 * A packet rouses the radio also when it is lost: it was sent. Probes, numbered behind the devices, meet nothing but the
 * mean delay.
 */
import type { Nanoseconds } from '../../core/clock.ts'
import type { ChangeableValues, DirectionProfile } from '../../core/link-profile.ts'
import type { ActiveQueue } from './active-queue.ts'
import { UP } from './channel.ts'
import { INTACT, type Corrupt } from './corrupt.ts'
import type { Delay } from './delay.ts'
import type { Duplicate } from './duplicate.ts'
import type { Lines } from './lines.ts'
import type { Loss } from './loss.ts'
import type { Policer } from './policer.ts'
import { partsOf, type Medium, type Parts, type Side } from './parts.ts'
import { NONE, type PacketPool } from './pool.ts'
import type { Queue } from './queue.ts'
import type { Serialiser } from './rate.ts'
import { SHARED_LINE, type Shared } from './shared.ts'
import type { Wake } from './wake.ts'

export class Direction {
  /** Packets that are gone, by what dropped them; packets that were copied, and of which a bit was flipped. */
  lost = 0
  overflowed = 0
  duplicated = 0
  corrupted = 0
  readonly #pool: PacketPool
  readonly #devices: number
  readonly #profile: DirectionProfile
  readonly #policer: Policer | null
  readonly #wake: Wake | null
  readonly #loss: Loss | null
  readonly #duplicate: Duplicate | null
  readonly #queue: Queue | null
  readonly #activeQueue: ActiveQueue | null
  readonly #serialiser: Serialiser | null
  readonly #corrupt: Corrupt | null
  readonly #delay: Delay
  readonly #shared: Shared | null
  readonly #sharedFirst: boolean
  readonly #parts: Parts
  readonly #own: Lines
  readonly #exit: Lines
  readonly #firstWaiting: number

  constructor(medium: Medium, side: Side) {
    const parts = partsOf(medium, side)
    const { chance } = parts
    this.#pool = medium.pool
    this.#devices = side.channel.devices
    this.#profile = side.index === UP ? medium.profile.up : medium.profile.down
    this.#parts = parts
    this.#policer = parts.policer
    this.#wake = medium.wake
    this.#loss = parts.loses ? chance.loss : null
    this.#duplicate = chance.duplicate
    this.#queue = parts.queue
    this.#activeQueue = parts.activeQueue
    this.#serialiser = parts.serialiser
    this.#corrupt = chance.corrupt
    this.#delay = chance.delay
    this.#shared = parts.shared
    this.#sharedFirst = parts.sharedFirst
    this.#own = parts.own
    this.#exit = parts.exit
    this.#firstWaiting = parts.firstWaiting
  }

  /** Takes the packet in `slot`, whose length stands in the pool. The slot is the direction's from here on. */
  arrive(device: number, slot: number, now: Nanoseconds): void {
    if (device >= this.#devices) {
      const line = this.#parts.firstProbe + device - this.#devices
      this.#exit.enter(line, slot, now + this.#profile.delay)
    } else if (this.#sharedFirst) {
      this.#pool.device[slot] = device
      this.#enterShared(slot, now)
    } else this.#enterOwn(device, slot, now)
  }

  /** Takes the first packet of an exit line, which is the first of the exit calendar, out of the link. */
  take(line: number): number {
    if (this.#shared === null || this.#sharedFirst) return this.#leaveOwn(line)
    return line === SHARED_LINE ? this.#shared.leave() : this.#exit.leave(line)
  }

  /** The first packet of an inner line, which is the first of the inner calendar, goes on at `now`. */
  move(line: number, now: Nanoseconds): void {
    if (line >= this.#firstWaiting) {
      this.#dequeue(line - this.#firstWaiting, now)
    } else if (this.#sharedFirst) {
      const slot = (this.#shared as Shared).leave()
      this.#enterOwn(this.#pool.device[slot] as number, slot, now)
    } else this.#enterShared(this.#leaveOwn(line), now)
  }

  /** From now on, the devices from `first` up to, not including, `end` have `values`, and the profile's for what is not named. */
  change(first: number, end: number, values: ChangeableValues): void {
    const { rate, queue } = { ...this.#profile, ...values }
    this.#parts.chance.change(first, end, values)
    this.#parts.rate?.change(first, end, rate)
    this.#queue?.change(first, end, queue)
  }

  /** Packets inside, counted one by one. */
  packets(): number {
    return this.#parts.lines.reduce((sum, lines) => sum + lines.packets(), 0)
  }

  #enterOwn(device: number, slot: number, now: Nanoseconds): void {
    if (this.#policer !== null && !this.#policer.passes(device, now)) return this.#overflow(slot)
    if (this.#wake !== null) this.#wake.rouse(device, now)
    const length = this.#pool.length[slot] as number
    if (this.#loss !== null && this.#loss.loses(device, now, length)) {
      this.lost++
      this.#pool.give(slot)
      return
    }
    const copies = this.#duplicate !== null && this.#duplicate.copies(device, now)
    const copy = copies ? this.#pool.copy(slot) : NONE
    this.#queueUp(device, slot, now)
    if (copy === NONE) return
    this.duplicated++
    this.#queueUp(device, copy, now)
  }

  #queueUp(device: number, slot: number, now: Nanoseconds): void {
    const length = this.#pool.length[slot] as number
    const queue = this.#queue
    if (queue !== null && queue.full(device, length, now)) return this.#overflow(slot)
    if (this.#activeQueue !== null) return this.#activeQueue.enter(device, slot, now)
    const serialiser = this.#serialiser
    const departed = serialiser === null ? now : serialiser.departure(device, length, now)
    if (queue !== null) {
      this.#pool.departed[slot] = departed
      queue.add(device, slot)
    }
    this.#propagate(device, slot, departed)
  }

  #dequeue(device: number, now: Nanoseconds): void {
    const queue = this.#activeQueue as ActiveQueue
    const slot = queue.leave(device, now)
    if (slot === NONE) return
    if (queue.drops(device, slot, now)) return this.#overflow(slot)
    const length = this.#pool.length[slot] as number
    const departed = (this.#serialiser as Serialiser).departure(device, length, now)
    this.#pool.departed[slot] = departed
    this.#propagate(device, slot, departed)
  }

  #propagate(device: number, slot: number, departed: Nanoseconds): void {
    if (this.#corrupt !== null) this.#flip(this.#corrupt, device, slot, departed)
    this.#own.enter(device, slot, this.#delay.arrival(device, departed))
  }

  #leaveOwn(line: number): number {
    const own = this.#own
    // What left is forgotten by the queue while its slot still says when.
    if (this.#queue !== null && line < this.#devices)
      this.#queue.advance(line, this.#pool.due[own.head(line)] as number)
    return own.leave(line)
  }

  #enterShared(slot: number, now: Nanoseconds): void {
    if (!(this.#shared as Shared).arrive(slot, now)) this.#overflow(slot)
  }

  #flip(corrupt: Corrupt, device: number, slot: number, now: Nanoseconds): void {
    const bit = corrupt.bit(device, now, this.#pool.length[slot] as number)
    if (bit === INTACT) return
    const { bytes } = this.#pool.slab
    const at = this.#pool.offset(slot) + (bit >> 3)
    // Bits are numbered as they are sent, the highest of a byte first.
    bytes[at] = (bytes[at] as number) ^ (0x80 >> (bit & 7))
    this.corrupted++
  }

  #overflow(slot: number): void {
    this.overflowed++
    this.#pool.give(slot)
  }
}
