import type { DirectionProfile } from '../../core/types.ts'

/** What tests vary: a direction that does nothing, with some keys changed. */
export const shape = (changes: Partial<DirectionProfile> = {}): DirectionProfile => ({
  delay: 0,
  jitter: 0,
  rate: null,
  loss: { ratio: 0, burst: 0 },
  queue: null,
  ...changes,
})
