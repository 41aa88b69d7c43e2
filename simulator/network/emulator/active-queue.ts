import { NEVER, type Nanoseconds } from '../../core/clock.ts'
import type { DirectionIndex } from './channel.ts'
import type { CodelLaw } from './codel.ts'
import type { Contender, HalfDuplex } from './half-duplex.ts'
import type { Lines } from './lines.ts'
import { NONE, type PacketPool } from './pool.ts'
import type { Queue } from './queue.ts'
import type { Serialiser } from './rate.ts'

/** Whoever has to let the other direction go first looks again so much later, when that one has taken its turn. */
const MOMENT: Nanoseconds = 1

/**
 * Where packets wait whose fate is known only when it is their turn: a line for each device before its serialiser, with CoDel
 * at its head, or with none where only the other direction of a half-duplex link has it.
 */
export class ActiveQueue implements Contender {
  readonly #pool: PacketPool
  readonly #lines: Lines
  readonly #queue: Queue
  readonly #law: CodelLaw | null
  readonly #serialiser: Serialiser
  /** Null: nobody else wants to send. */
  readonly #duplex: HalfDuplex | null
  readonly #direction: DirectionIndex
  /** When each device's line was last looked at. */
  readonly #looked: Float64Array

  /** `lines` is what a device's packets wait in, and `queue` what counts them. */
  constructor(
    pool: PacketPool,
    lines: Lines,
    queue: Queue,
    law: CodelLaw | null,
    serialiser: Serialiser,
    duplex: HalfDuplex | null,
    direction: DirectionIndex,
  ) {
    this.#pool = pool
    this.#lines = lines
    this.#queue = queue
    this.#law = law
    this.#serialiser = serialiser
    this.#duplex = duplex
    this.#direction = direction
    duplex?.contend(direction, this)
    this.#looked = new Float64Array(lines.count)
  }

  enter(device: number, slot: number, now: Nanoseconds): void {
    const lines = this.#lines
    if (lines.head(device) === NONE && this.#serialiser.free(device) < now) this.#law?.empty(device)
    this.#pool.entered[slot] = now
    this.#pool.departed[slot] = NEVER
    this.#queue.add(device, slot)
    // The head may have been told to come later than now.
    lines.enter(device, slot, Math.max(now, lines.latest(device)))
  }

  /** The head of the device's line is due at `now`. Returns it when it leaves the line, or NONE when it has to wait on. */
  leave(device: number, now: Nanoseconds): number {
    const turn = Math.max(now, this.#looked[device] as number, this.#serialiser.free(device))
    if (turn > now) {
      this.#lines.detain(device, turn)
      return NONE
    }
    const rival = this.#duplex?.rival(this.#direction, device) ?? NEVER
    if (rival !== NEVER) {
      this.#lines.detain(device, Math.max(now, rival) + MOMENT)
      return NONE
    }
    this.#looked[device] = now
    this.#queue.advance(device, now)
    return this.#lines.leave(device)
  }

  waitingSince(device: number): Nanoseconds {
    const head = this.#lines.head(device)
    return head === NONE ? NEVER : (this.#pool.entered[head] as number)
  }

  turn(device: number): Nanoseconds {
    return this.#pool.due[this.#lines.head(device)] as number
  }

  /** Whether the packet that left the line is to be dropped. */
  drops(device: number, slot: number, now: Nanoseconds): boolean {
    if (this.#law === null) return false
    const behind = this.#queue.bytes(device) - (this.#pool.length[slot] as number)
    if (!this.#law.drops(device, this.#pool.entered[slot] as number, now, behind)) return false
    this.#pool.departed[slot] = now
    this.#queue.advance(device, now)
    return true
  }
}
