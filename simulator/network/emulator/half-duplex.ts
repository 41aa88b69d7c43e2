import { NEVER, type Nanoseconds } from '../../core/clock.ts'
import { UP, type DirectionIndex } from './channel.ts'

/** A queue whose packets wait for their turn on the medium. */
export interface Contender {
  /** When the first that waits for the device's medium came, or NEVER. */
  waitingSince(device: number): Nanoseconds
  /** When it is going to ask for its turn. */
  turn(device: number): Nanoseconds
}

/** The two directions of a device take turns on one medium, in the order in which their packets come to it. One object for both. */
export class HalfDuplex {
  readonly #free: Float64Array
  readonly #contenders: [Contender | null, Contender | null] = [null, null]

  constructor(devices: number) {
    this.#free = new Float64Array(devices)
  }

  /** When the medium is free. */
  free(device: number): Nanoseconds {
    return this.#free[device] as number
  }

  /** It is taken until then. */
  occupy(device: number, until: Nanoseconds): void {
    this.#free[device] = until
  }

  /** Packets of this direction do not take their turn when they arrive, but when the medium is free. */
  contend(direction: DirectionIndex, contender: Contender): void {
    this.#contenders[direction] = contender
  }

  /**
   * When a packet of the other direction that waits longer than the first of this one asks for its turn, or NEVER: there is
   * none. Up is first in case of doubt.
   */
  rival(direction: DirectionIndex, device: number): Nanoseconds {
    const [up, down] = this.#contenders
    if (up === null || down === null) return NEVER
    const upFirst = up.waitingSince(device) <= down.waitingSince(device)
    if (direction === UP) return upFirst ? NEVER : down.turn(device)
    return upFirst ? up.turn(device) : NEVER
  }
}
