import { createHash } from 'node:crypto'
import type { Nanoseconds } from '../../core/clock.ts'
import type { DirectionProfile } from '../../core/link-profile.ts'
import { uniformAt } from '../../core/random.ts'
import type { LinkConfig } from '../link-protocol.ts'
import { Chance } from './chance.ts'
import { Channel, DOWN, FATE, UP } from './channel.ts'
import { Epochs, RUN } from './epochs.ts'
import { SLOT } from './slots.ts'

const MOST_DEVICES = 32
/** A long window is sampled evenly: what matters is that another channel cannot have the same digest. */
const MOST_SLOTS = 4096
/** Bytes of the packet that asks. */
const LENGTH = 1500

/** The part of a profile that is left to chance. Where a device begins in a trace is, too. */
const askedFor = (profile: DirectionProfile): unknown[] => {
  const { loss, frame, delay, jitter, distribution, overtaking } = profile
  const { duplicate, corrupt, reorder, trace } = profile
  const varying = [delay, jitter, distribution, overtaking, trace?.digest]
  return [loss, frame, ...varying, duplicate, corrupt, reorder]
}

/**
 * SHA-256 (hex) over the channel of a window of `length` from t0: what is asked of it, and for up to 32 devices and 4 096
 * slots the first packet's uniform value and what becomes of it. A function of the channel alone, whatever traffic it met.
 */
export const channelDigest = (
  config: Pick<LinkConfig, 'seed' | 'devices' | 'profile' | 'timeline'>,
  length: Nanoseconds,
): string => {
  const { seed, profile, timeline } = config
  const hash = createHash('sha256')
  hash.update(JSON.stringify([askedFor(profile.up), askedFor(profile.down), timeline]))
  const devices = Math.min(config.devices, MOST_DEVICES)
  const epochs = new Epochs()
  epochs.plan(0, 0)
  for (const direction of [UP, DOWN] as const) {
    const channel = new Channel(seed, direction, devices, epochs)
    const chance = new Chance(channel, direction === UP ? profile.up : profile.down)
    for (let device = 0; device < devices; device++) hash.update(samples(chance, device, length))
  }
  return hash.digest('hex')
}

const samples = (chance: Chance, device: number, length: Nanoseconds): Float64Array => {
  const slots = Math.max(1, Math.ceil(length / SLOT))
  const stride = Math.ceil(slots / MOST_SLOTS)
  const values = new Float64Array(5 * Math.ceil(slots / stride))
  const key = chance.channel.key(device, RUN)
  let at = 0
  for (let slot = 0; slot < slots; slot += stride) {
    const time = slot * SLOT
    values[at++] = uniformAt(key ^ FATE, slot)
    values[at++] = chance.loss.loses(device, time, LENGTH) ? 1 : 0
    values[at++] = chance.delay.arrival(device, time) - time
    values[at++] = chance.duplicate?.copies(device, time) === true ? 1 : 0
    values[at++] = chance.corrupt?.bit(device, time, LENGTH) ?? 0
  }
  return values
}
