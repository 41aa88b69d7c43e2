import type { Nanoseconds } from '../../core/clock.ts'
import type { Channel } from './channel.ts'
import type { Epochs } from './epochs.ts'

/** Propagation: the mean delay and the channel's extra delay, never less than nothing; a device's packets keep their order. */
export class Delay {
  readonly #channels: readonly [Channel, Channel]
  readonly #epochs: Epochs
  readonly #mean: Nanoseconds
  readonly #latest: Float64Array

  /** The channels of the two epochs, in the order of their indices. */
  constructor(
    channels: readonly [Channel, Channel],
    epochs: Epochs,
    mean: Nanoseconds,
    devices: number,
  ) {
    this.#channels = channels
    this.#epochs = epochs
    this.#mean = mean
    this.#latest = new Float64Array(devices)
  }

  /** When a packet that left the rate limiter at `departed` arrives. */
  arrival(device: number, departed: Nanoseconds): Nanoseconds {
    const epoch = this.#epochs.epoch(departed)
    const time = departed - this.#epochs.origin(epoch)
    const delay = this.#mean + this.#channels[epoch].extraDelay(device, time)
    const arrival = Math.max(departed + Math.max(0, delay), this.#latest[device] as number)
    this.#latest[device] = arrival
    return arrival
  }
}
