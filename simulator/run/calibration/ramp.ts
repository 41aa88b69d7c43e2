/** Up to which packet rate this machine's link can be trusted, found by doubling. */
import { MICROSECOND, MILLISECOND, type Nanoseconds } from '../../core/clock.ts'

/** What was seen at one packet rate. */
export interface Step {
  /** Packets per second that came to the link, both directions together. */
  readonly rate: number
  /** Processor time of the link per packet. */
  readonly cpu: Nanoseconds
  /** One-way delay minus what was asked. */
  readonly errorP50: Nanoseconds
  readonly errorP99: Nanoseconds
  readonly unplannedDrops: number
  /** Share of packets that were handed on more than 1 ms late. */
  readonly late: number
  /** Share of the packets that the source sent in time. */
  readonly offered: number
}

export interface Ramp {
  readonly steps: readonly Step[]
  /** The highest rate at which all was well; 0: none. */
  readonly trusted: number
  /** Why it is not higher; null: the ramp ended. */
  readonly limit: string | null
}

/** Ends where a link is hardly met in practice. */
export const RATES: readonly number[] = [1000, 2500, 5000, 10_000, 20_000, 40_000, 80_000]

const MOST_ERROR: Nanoseconds = 0.3 * MILLISECOND
const MOST_LATE = 0.01
const LEAST_OFFERED = 0.98

/** What is wrong with a step, in words; null: nothing. */
export const faultOf = ({ errorP50, unplannedDrops, late, offered }: Step): string | null => {
  if (offered < LEAST_OFFERED) return 'the source could not send more'
  if (unplannedDrops > 0) return `${unplannedDrops} packets were dropped unasked`
  if (late > MOST_LATE) return `${(late * 100).toFixed(1)} % of packets were over 1 ms late`
  if (Math.abs(errorP50) >= MOST_ERROR)
    return `half of the packets were over ${Math.round(Math.abs(errorP50) / MICROSECOND)} us off`
  return null
}

/**
 * Goes up until a rate fails twice: once may be the doing of another program.
 * @param measure the traffic of one rate
 */
export const climb = async (
  measure: (rate: number) => Promise<Step>,
  rates: readonly number[] = RATES,
): Promise<Ramp> => {
  const steps: Step[] = []
  let trusted = 0
  for (const rate of rates) {
    const first = await measure(rate)
    const step = faultOf(first) === null ? first : await measure(rate)
    steps.push(step)
    const fault = faultOf(step)
    if (fault !== null) return { steps, trusted, limit: `at ${rate} packets/s, ${fault}` }
    trusted = rate
  }
  return { steps, trusted, limit: null }
}
