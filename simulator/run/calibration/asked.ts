/** What a profile asks, in the numbers that can be measured. */
import { SECOND, type Nanoseconds } from '../../core/clock.ts'
import type { DirectionProfile, LinkProfile, SharedProfile } from '../../core/link-profile.ts'

export type Way = 'up' | 'down'

/** What a calibrated link is asked: mappings and sleeping radios answer to silence, which this traffic does not keep. */
export const withoutSilence = (profile: LinkProfile): LinkProfile => ({
  ...profile,
  nat: null,
  wake: null,
})

/** Time for which a packet of `size` bytes occupies the link, the shared part included, when nothing is before it. */
export const serialisation = (
  { rate, rateBurst }: DirectionProfile,
  shared: SharedProfile | null,
  size: number,
): Nanoseconds => {
  const own = rate === null || rateBurst >= size ? 0 : (size * 8 * SECOND) / rate
  return own + (shared === null ? 0 : (size * 8 * SECOND) / shared.rate)
}

/** Fraction of packets of this size that do not arrive. A flipped bit makes UDP's checksum fail. */
export const lossOf = ({ loss, frame, corrupt }: DirectionProfile, size: number): number => {
  const ratio = loss.kind === 'list' ? 0 : loss.ratio
  const frames = frame === null ? 1 : Math.ceil(size / frame)
  return 1 - (1 - ratio) ** frames * (1 - corrupt)
}

/** Bits per second that the narrowest place lets through; null: unlimited. */
export const narrowest = (profile: LinkProfile, way: Way): number | null => {
  const rates = [profile[way].rate, profile.shared[way]?.rate].filter((rate) => rate != null)
  return rates.length === 0 ? null : Math.min(...rates)
}

/** Packets of `size` bytes that the queue holds; null: any number. */
export const queueIn = ({ queue }: DirectionProfile, size: number): number | null => {
  if (queue === null) return null
  return queue.unit === 'packets' ? queue.limit : Math.floor(queue.limit / size)
}
