import type { Nanoseconds } from '../../core/clock.ts'
import { SLOT, type Channel } from './channel.ts'
import type { Epochs } from './epochs.ts'

/** Numbers the packets of each slot and asks the channel for their fate. One direction of all devices. */
export class Loss {
  readonly #channels: readonly [Channel, Channel]
  readonly #epochs: Epochs
  /** Slot and epoch of each device's latest packet in one integer, and that packet's number in the slot. */
  readonly #slot: Int32Array
  readonly #number: Int32Array

  /** The channels of the two epochs, in the order of their indices. */
  constructor(channels: readonly [Channel, Channel], epochs: Epochs, devices: number) {
    this.#channels = channels
    this.#epochs = epochs
    this.#slot = new Int32Array(devices).fill(-(2 ** 31))
    this.#number = new Int32Array(devices)
  }

  loses(device: number, now: Nanoseconds): boolean {
    const epoch = this.#epochs.epoch(now)
    const time = now - this.#epochs.origin(epoch)
    const slot = Math.floor(time / SLOT)
    const mark = (slot * 2 + epoch) | 0
    const number = this.#slot[device] === mark ? (this.#number[device] as number) + 1 : 0
    this.#slot[device] = mark
    this.#number[device] = number
    return this.#channels[epoch].loses(device, time, slot, number)
  }
}
