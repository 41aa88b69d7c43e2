import type { Nanoseconds } from '../../core/clock.ts'
import type { DirectionProfile } from '../../core/link-profile.ts'
import type { Channel } from './channel.ts'
import { LossByList } from './loss-by-list.ts'
import { LossInPackets } from './loss-in-packets.ts'
import { LossInTime } from './loss-in-time.ts'
import { Slots } from './slots.ts'
import { Variants } from './variants.ts'

/** Decides on the packet that the slots took last: of `length` bytes, its device's `packet`-th, from 1. */
export interface LossModel {
  loses(device: number, length: number, packet: number): boolean
}

/** Which packets are lost. One direction of all devices. */
export class Loss {
  readonly #channel: Channel
  readonly #frame: number | null
  readonly #slots: Slots
  readonly #packets: Uint32Array
  /** Of each loss that was ever asked for. A device that returns to one finds its state in it. */
  readonly #known = new Map<DirectionProfile['loss'], LossModel>()
  readonly #models: Variants<LossModel>

  constructor(channel: Channel, profile: Pick<DirectionProfile, 'loss' | 'frame'>) {
    this.#channel = channel
    this.#frame = profile.frame
    this.#slots = new Slots(channel)
    this.#packets = new Uint32Array(channel.devices)
    this.#models = new Variants(channel.devices, this.#model(profile.loss))
  }

  /** Whether the device's packet of `length` bytes, which is here at `now`, is lost. To be asked once for each packet, in their order. */
  loses(device: number, now: Nanoseconds, length: number): boolean {
    const packet = (this.#packets[device] as number) + 1
    this.#packets[device] = packet
    this.#slots.take(device, now)
    return this.#models.of(device).loses(device, length, packet)
  }

  /** From now on, the devices from `first` up to, not including, `end` lose so. */
  change(first: number, end: number, loss: DirectionProfile['loss']): void {
    this.#models.change(first, end, this.#model(loss))
  }

  #model(loss: DirectionProfile['loss']): LossModel {
    const model = this.#known.get(loss) ?? this.#newModel(loss)
    this.#known.set(loss, model)
    return model
  }

  #newModel(loss: DirectionProfile['loss']): LossModel {
    if (loss.kind === 'list') return new LossByList(loss.packets)
    return loss.kind === 'packets'
      ? new LossInPackets(this.#channel, this.#slots, loss.ratio, loss.burst)
      : new LossInTime(this.#slots, loss.ratio, loss.burst, this.#frame)
  }
}
