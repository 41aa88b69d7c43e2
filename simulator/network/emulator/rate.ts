import { SECOND, type Nanoseconds } from '../../core/clock.ts'

/** Serialisation: one packet of a device after the other, at so many bits of IP packets per second. */
export class Rate {
  readonly #perByte: Nanoseconds
  readonly #free: Float64Array

  constructor(bitsPerSecond: number, devices: number) {
    this.#perByte = (8 * SECOND) / bitsPerSecond
    this.#free = new Float64Array(devices)
  }

  /** When the last bit of a packet that came at `now` has left. */
  departure(device: number, length: number, now: Nanoseconds): Nanoseconds {
    const departed = Math.max(now, this.#free[device] as number) + length * this.#perByte
    this.#free[device] = departed
    return departed
  }
}
