/** Links and passages for tests of rows. */
import { MILLISECOND } from '../../core/clock.ts'
import {
  CLEAR_DIRECTION,
  CLEAR_LINK,
  type DirectionProfile,
  type LinkProfile,
} from '../../core/link-profile.ts'
import type { Passage } from './instrument.ts'
import type { Row } from './row.ts'
import type { Load } from './traffic-protocol.ts'

const COUNT = 4000
export const DEVICES = 200
export const LOAD: Load = { direction: 'up', count: COUNT, rate: 800, size: 100, devices: DEVICES, settle: 0 } // prettier-ignore

export const link = (up: Partial<DirectionProfile>): LinkProfile => ({
  ...CLEAR_LINK,
  name: 'tested',
  up: { ...CLEAR_DIRECTION, ...up },
})

/** Packets 1 ms apart; `delayOf` gives each its time in the link, NaN: lost. */
export const passage = (delayOf: (number: number) => number, load = LOAD): Passage => {
  const sent = Float64Array.from({ length: load.count }, (_, i) => i * MILLISECOND)
  return { load, sent, received: sent.map((at, i) => at + delayOf(i)), duplicates: 0 }
}

export const verdicts = (rows: readonly Row[]): Record<string, boolean> =>
  Object.fromEntries(rows.map(({ quantity, ok }) => [quantity, ok]))
