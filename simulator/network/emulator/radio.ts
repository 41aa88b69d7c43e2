import type { Nanoseconds } from '../../core/clock.ts'
import type { HalfDuplex } from './half-duplex.ts'
import type { Serialiser } from './rate.ts'
import type { Wake } from './wake.ts'

/** One direction of a medium that must be awake, or is shared with the other direction: a packet begins when it is its turn. */
export class Radio implements Serialiser {
  readonly #serialiser: Serialiser
  readonly #duplex: HalfDuplex | null
  readonly #wake: Wake | null

  constructor(serialiser: Serialiser, duplex: HalfDuplex | null, wake: Wake | null) {
    this.#serialiser = serialiser
    this.#duplex = duplex
    this.#wake = wake
  }

  departure(device: number, length: number, start: Nanoseconds): Nanoseconds {
    const turn = Math.max(
      start,
      this.#duplex?.free(device) ?? 0,
      this.#wake?.connected(device) ?? 0,
    )
    const departed = this.#serialiser.departure(device, length, turn)
    this.#duplex?.occupy(device, departed)
    this.#wake?.stay(device, departed)
    return departed
  }

  free(device: number): Nanoseconds {
    return Math.max(
      this.#serialiser.free(device),
      this.#duplex?.free(device) ?? 0,
      this.#wake?.connected(device) ?? 0,
    )
  }
}
