import type { Nanoseconds } from '../../core/clock.ts'
import type { DirectionProfile } from '../../core/link-profile.ts'
import { uniformAt } from '../../core/random.ts'
import { OVERTAKEN, type Channel } from './channel.ts'
import { Jitter } from './jitter.ts'
import { Slots } from './slots.ts'
import { Variants } from './variants.ts'

interface Propagation {
  readonly mean: Nanoseconds
  readonly deviation: Nanoseconds
  readonly jitter: Jitter
}

type DelayProfile = Pick<
  DirectionProfile,
  'delay' | 'jitter' | 'distribution' | 'overtaking' | 'reorder'
>

/**
 * Propagation: the mean delay and the extra delay, never less than nothing. A device's packets keep their order, except
 * with `overtaking`, where each has an extra delay of its own, and those that `reorder` holds back.
 */
export class Delay {
  readonly #channel: Channel
  readonly #profile: DelayProfile
  readonly #propagation: Variants<Propagation>
  /** Only where a value is drawn for each packet. */
  readonly #slots: Slots | null
  readonly #latest: Float64Array

  constructor(channel: Channel, profile: DelayProfile) {
    this.#channel = channel
    this.#profile = profile
    this.#propagation = new Variants(
      channel.devices,
      this.#propagationOf(profile.delay, profile.jitter),
    )
    this.#slots = profile.overtaking || profile.reorder !== null ? new Slots(channel) : null
    this.#latest = new Float64Array(channel.devices)
  }

  /** When a packet that left the rate limiter at `departed` arrives. To be asked once for each packet, in their order. */
  arrival(device: number, departed: Nanoseconds): Nanoseconds {
    const { mean, jitter } = this.#propagation.of(device)
    const slots = this.#slots
    slots?.take(device, departed)
    const extra =
      slots !== null && this.#profile.overtaking
        ? jitter.ofPacket(slots.key, slots.slot, slots.number)
        : this.#varying(jitter, device, departed)
    const arrival = departed + Math.max(0, mean + extra)
    return this.#profile.overtaking
      ? arrival + this.#heldBack()
      : this.#inOrder(device, arrival, this.#heldBack())
  }

  /** From now on, the devices from `first` up to, not including, `end` have this mean delay, and extra delay of this deviation. */
  change(first: number, end: number, mean: Nanoseconds, deviation: Nanoseconds): void {
    const known = this.#propagation.values.find(
      (value) => value.mean === mean && value.deviation === deviation,
    )
    this.#propagation.change(first, end, known ?? this.#propagationOf(mean, deviation))
  }

  #propagationOf(mean: Nanoseconds, deviation: Nanoseconds): Propagation {
    return { mean, deviation, jitter: new Jitter(deviation, this.#profile.distribution) }
  }

  #varying(jitter: Jitter, device: number, departed: Nanoseconds): Nanoseconds {
    const { epochs } = this.#channel
    const epoch = epochs.epoch(departed)
    return jitter.at(this.#channel.key(device, epoch), departed - epochs.origin(epoch))
  }

  /** How much longer than others the packet that the slots took last is under way. */
  #heldBack(): Nanoseconds {
    const { reorder } = this.#profile
    if (reorder === null || this.#slots === null) return 0
    const { key, slot, number } = this.#slots
    return uniformAt(key ^ OVERTAKEN, slot, number) < reorder.ratio ? reorder.by : 0
  }

  /** No earlier than the packets before it; those after it wait for it only if it is not held back. */
  #inOrder(device: number, arrival: Nanoseconds, heldBack: Nanoseconds): Nanoseconds {
    const ordered = Math.max(arrival, this.#latest[device] as number)
    if (heldBack > 0) return ordered + heldBack
    this.#latest[device] = ordered
    return ordered
  }
}
