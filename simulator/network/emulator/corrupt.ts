import type { Nanoseconds } from '../../core/clock.ts'
import { uniformAt } from '../../core/random.ts'
import { CORRUPTED, FLIPPED, type Channel } from './channel.ts'
import { Slots } from './slots.ts'

/** No bit of the packet is flipped. */
export const INTACT = -1

/**
 * The headers of IPv4 and UDP (20 + 8 bytes), or the first 28 bytes of IPv4 and TCP, are spared where more follows: a
 * flipped bit is to make a checksum fail, not a packet go to another device.
 */
const SPARED = 28

/** Which packets have one bit flipped, and which bit. One direction of all devices. */
export class Corrupt {
  readonly #slots: Slots
  readonly #ratio: number

  constructor(channel: Channel, ratio: number) {
    this.#slots = new Slots(channel)
    this.#ratio = ratio
  }

  /** The bit to flip in the device's packet of `length` bytes that is here at `now`, from the first of its first byte, or INTACT. To be asked once for each packet, in their order. */
  bit(device: number, now: Nanoseconds, length: number): number {
    const slots = this.#slots
    slots.take(device, now)
    const { key, slot, number } = slots
    if (uniformAt(key ^ CORRUPTED, slot, number) >= this.#ratio) return INTACT
    const first = length > SPARED ? SPARED : 0
    const bits = 8 * (length - first)
    return 8 * first + Math.floor(bits * uniformAt(key ^ FLIPPED, slot, number))
  }
}
