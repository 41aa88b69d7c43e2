import { MILLISECOND, type Nanoseconds } from '../../core/clock.ts'
import type { Channel } from './channel.ts'
import type { EpochIndex } from './epochs.ts'

/** Chance is drawn once per slot and packet of a slot, and jitter has its knots on slots. */
export const SLOT: Nanoseconds = 10 * MILLISECOND

/**
 * Where packets stand in the channel's table: their slot, and their number among the device's packets of that slot. Each
 * impairment that draws for every packet counts those that come to it, so it has one of these of its own.
 */
export class Slots {
  /** Of the packet last taken: its device's key in this epoch, the time since the epoch's origin, its slot, and its number in it from 0. */
  key = 0
  epoch: EpochIndex = 0
  time: Nanoseconds = 0
  slot = 0
  number = 0
  readonly #channel: Channel
  /** Slot and epoch of each device's latest packet in one integer, and that packet's number in the slot. */
  readonly #latest: Int32Array
  readonly #number: Int32Array

  constructor(channel: Channel) {
    this.#channel = channel
    this.#latest = new Int32Array(channel.devices).fill(-(2 ** 31))
    this.#number = new Int32Array(channel.devices)
  }

  /** The next packet of a device is here at `now`, which never falls. */
  take(device: number, now: Nanoseconds): void {
    const { epochs } = this.#channel
    const epoch = epochs.epoch(now)
    this.epoch = epoch
    this.key = this.#channel.key(device, epoch)
    this.time = now - epochs.origin(epoch)
    this.slot = Math.floor(this.time / SLOT)
    const mark = (this.slot * 2 + epoch) | 0
    this.number = this.#latest[device] === mark ? (this.#number[device] as number) + 1 : 0
    this.#latest[device] = mark
    this.#number[device] = this.number
  }
}
