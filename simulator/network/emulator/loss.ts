import type { Nanoseconds } from '../../core/clock.ts'
import { SLOT, type Channel } from './channel.ts'
import type { Timeline } from './timeline.ts'

/** Numbers the packets of each slot and asks the channel for their fate. One direction of all devices. */
export class Loss {
  readonly #channels: readonly [Channel, Channel]
  readonly #timeline: Timeline
  /** Slot and epoch of each device's latest packet in one integer, and that packet's number in the slot. */
  readonly #slot: Int32Array
  readonly #number: Int32Array

  /** The channels of the two epochs, in the order of their indices. */
  constructor(channels: readonly [Channel, Channel], timeline: Timeline, devices: number) {
    this.#channels = channels
    this.#timeline = timeline
    this.#slot = new Int32Array(devices).fill(-(2 ** 31))
    this.#number = new Int32Array(devices)
  }

  loses(device: number, now: Nanoseconds): boolean {
    const epoch = this.#timeline.epoch(now)
    const time = now - this.#timeline.origin(epoch)
    const slot = Math.floor(time / SLOT)
    const mark = (slot * 2 + epoch) | 0
    const number = this.#slot[device] === mark ? (this.#number[device] as number) + 1 : 0
    this.#slot[device] = mark
    this.#number[device] = number
    return this.#channels[epoch].loses(device, time, slot, number)
  }
}
