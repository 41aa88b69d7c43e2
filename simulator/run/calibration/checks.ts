/** Links that calibrate sets up by itself: one question per direction, so that what is off is known at once. */
import { MILLISECOND } from '../../core/clock.ts'
import {
  CLEAR_DIRECTION,
  CLEAR_LINK,
  type DirectionProfile,
  type LinkProfile,
} from '../../core/link-profile.ts'

const direction = (changes: Partial<DirectionProfile>): DirectionProfile => ({
  ...CLEAR_DIRECTION,
  ...changes,
})

const check = (name: string, title: string, up: DirectionProfile, down: DirectionProfile): LinkProfile => ({ ...CLEAR_LINK, name, title, up, down, source: 'thingbench calibrate' }) // prettier-ignore

/** What every calibration begins with, unless profiles are named. */
export const CHECKS: readonly LinkProfile[] = [
  check(
    'delay-and-jitter',
    'Delay alone; delay with jitter',
    direction({ delay: 20 * MILLISECOND }),
    direction({ delay: 50 * MILLISECOND, jitter: 10 * MILLISECOND }),
  ),
  check(
    'rate-and-queue',
    'A slow link with a short queue; a faster one',
    direction({ delay: 10 * MILLISECOND, rate: 1e6, queue: { limit: 50, unit: 'packets' } }),
    direction({ delay: 10 * MILLISECOND, rate: 10e6, queue: { limit: 200, unit: 'packets' } }),
  ),
  check(
    'loss',
    'Independent loss; loss in bursts',
    direction({ delay: 5 * MILLISECOND, loss: { kind: 'time', ratio: 0.05, burst: 0 } }),
    direction({
      delay: 5 * MILLISECOND,
      loss: { kind: 'time', ratio: 0.02, burst: 50 * MILLISECOND },
    }),
  ),
]

/** The profile of the house that stands for all others where none is named. */
export const EXAMPLE_PROFILE = 'lte-m'

/** On which the engine's cost is measured: a delay long enough for the link's clock (network/pace.ts). */
export const ENGINE_PROFILE: LinkProfile = check(
  'engine',
  'Delay alone',
  direction({ delay: 20 * MILLISECOND }),
  direction({ delay: 20 * MILLISECOND }),
)
