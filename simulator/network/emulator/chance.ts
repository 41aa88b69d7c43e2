import type { ChangeableValues, DirectionProfile } from '../../core/link-profile.ts'
import type { Channel } from './channel.ts'
import { Corrupt } from './corrupt.ts'
import { Delay } from './delay.ts'
import { Duplicate } from './duplicate.ts'
import { Loss } from './loss.ts'

/** All that happens by chance in one direction of all devices. */
export class Chance {
  readonly channel: Channel
  readonly #profile: DirectionProfile
  readonly loss: Loss
  readonly delay: Delay
  readonly duplicate: Duplicate | null
  readonly corrupt: Corrupt | null

  constructor(channel: Channel, profile: DirectionProfile) {
    this.channel = channel
    this.#profile = profile
    this.loss = new Loss(channel, profile)
    this.delay = new Delay(channel, profile)
    this.duplicate = profile.duplicate > 0 ? new Duplicate(channel, profile.duplicate) : null
    this.corrupt = profile.corrupt > 0 ? new Corrupt(channel, profile.corrupt) : null
  }

  /** From now on, the devices from `first` up to, not including, `end` have `values`, and the profile's for what is not named. */
  change(first: number, end: number, values: ChangeableValues): void {
    const { loss, delay, jitter } = { ...this.#profile, ...values }
    this.loss.change(first, end, loss)
    this.delay.change(first, end, delay, jitter)
  }
}
