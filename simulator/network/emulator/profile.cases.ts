import { CLEAR_DIRECTION, type DirectionProfile } from '../../core/link-profile.ts'

/** What tests vary: a direction that does nothing, with some keys changed. */
export const shape = (changes: Partial<DirectionProfile> = {}): DirectionProfile => ({
  ...CLEAR_DIRECTION,
  ...changes,
})
