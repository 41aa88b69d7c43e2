import { createHash } from 'node:crypto'
import type { Nanoseconds } from '../../core/clock.ts'
import { SLOT, type Channel } from './channel.ts'

const MOST_DEVICES = 32
/** A long window is sampled evenly: what matters is that another channel cannot have the same digest. */
const MOST_SLOTS = 4096

/**
 * SHA-256 (hex) over the channel of a window of `length` from t0: for up to 32 devices and 4 096 slots, the first
 * packet's uniform value and fate, and the extra delay. A function of the channel alone, whatever traffic it met.
 */
export const channelDigest = (
  channels: readonly Channel[],
  devices: number,
  length: Nanoseconds,
): string => {
  const hash = createHash('sha256')
  const slots = Math.max(1, Math.ceil(length / SLOT))
  const stride = Math.ceil(slots / MOST_SLOTS)
  const values = new Float64Array(3 * Math.ceil(slots / stride))
  for (const channel of channels) {
    for (let device = 0; device < Math.min(devices, MOST_DEVICES); device++) {
      let at = 0
      for (let slot = 0; slot < slots; slot += stride) {
        const time = slot * SLOT
        values[at++] = channel.uniform(device, slot, 0)
        values[at++] = channel.loses(device, time, slot, 0) ? 1 : 0
        values[at++] = channel.extraDelay(device, time)
      }
      hash.update(values)
    }
  }
  return hash.digest('hex')
}
