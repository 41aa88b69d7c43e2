/**
 * All that a link does by chance comes from here: a table of seeded values, as a function of (seed, direction, epoch,
 * device, purpose, slot, number in the slot), never of the traffic, nor of what was asked before. So it is the same for
 * every stack of a repetition, and needs no state.
 */
import { key } from '../../core/random.ts'
import { CONNECT, RUN, type EpochIndex, type Epochs } from './epochs.ts'

export const UP = 0
export const DOWN = 1
export type DirectionIndex = typeof UP | typeof DOWN

/** Separate the purposes for which one device's key is used: `key ^ PURPOSE`. */
export const FATE = 0
export const REDRAW = 0x51ed270b
export const BAD_PERIOD = 0x2545f491
export const BAD_RUN = 0x1d8af07b
export const EXTRA_DELAY = 0x6c8e9cf5
export const OVERTAKEN = 0x4b72d3a9
export const COPY = 0x7a3c5e1d
export const CORRUPTED = 0x3f84d5b7
export const FLIPPED = 0x09e667f3
export const TRACE_OFFSET = 0x3b9aca07

/** One direction of all devices. */
export class Channel {
  readonly devices: number
  readonly epochs: Epochs
  /** Of the two epochs, in the order of their indices. */
  readonly #keys: readonly [Uint32Array, Uint32Array]

  constructor(seed: number, direction: DirectionIndex, devices: number, epochs: Epochs) {
    this.devices = devices
    this.epochs = epochs
    const keys = (epoch: EpochIndex): Uint32Array =>
      Uint32Array.from({ length: devices }, (_, device) => key(seed, direction, epoch, device))
    this.#keys = [keys(CONNECT), keys(RUN)]
  }

  key(device: number, epoch: EpochIndex): number {
    return this.#keys[epoch][device] as number
  }
}
