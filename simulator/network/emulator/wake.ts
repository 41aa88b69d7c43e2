import type { Nanoseconds } from '../../core/clock.ts'

/**
 * A radio that goes idle when nothing was sent or received for `inactivity`, and takes `delay` to be connected again (RRC idle
 * and connected, 3GPP TS 36.331 section 4.2.1). One object for both directions of all devices; at first they are idle.
 */
export class Wake {
  readonly #delay: Nanoseconds
  readonly #inactivity: Nanoseconds
  readonly #connected: Float64Array
  /** When the latest packet has, or will have, crossed the radio. */
  readonly #active: Float64Array

  constructor(
    wake: { readonly delay: Nanoseconds; readonly inactivity: Nanoseconds },
    devices: number,
  ) {
    this.#delay = wake.delay
    this.#inactivity = wake.inactivity
    this.#connected = new Float64Array(devices)
    this.#active = new Float64Array(devices).fill(-Infinity)
  }

  /** A packet comes to the radio: if it is idle, it begins to connect. */
  rouse(device: number, now: Nanoseconds): void {
    let connected = this.#connected[device] as number
    if (now - (this.#active[device] as number) > this.#inactivity) {
      connected = now + this.#delay
      this.#connected[device] = connected
    }
    this.stay(device, Math.max(now, connected))
  }

  /** From when on a packet that has roused the radio may be sent. */
  connected(device: number): Nanoseconds {
    return this.#connected[device] as number
  }

  /** The radio is in use until then. */
  stay(device: number, until: Nanoseconds): void {
    if (until > (this.#active[device] as number)) this.#active[device] = until
  }
}
