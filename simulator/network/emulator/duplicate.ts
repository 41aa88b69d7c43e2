import type { Nanoseconds } from '../../core/clock.ts'
import { uniformAt } from '../../core/random.ts'
import { COPY, type Channel } from './channel.ts'
import { Slots } from './slots.ts'

/** Which packets arrive twice. One direction of all devices. */
export class Duplicate {
  readonly #slots: Slots
  readonly #ratio: number

  constructor(channel: Channel, ratio: number) {
    this.#slots = new Slots(channel)
    this.#ratio = ratio
  }

  /** Whether the device's packet that is here at `now` is copied. To be asked once for each packet, in their order. */
  copies(device: number, now: Nanoseconds): boolean {
    const slots = this.#slots
    slots.take(device, now)
    return uniformAt(slots.key ^ COPY, slots.slot, slots.number) < this.#ratio
  }
}
