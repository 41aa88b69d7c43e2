/** What a link does with packets that come one by one: delay, jitter, loss, duplicates. */
import { MILLISECOND, type Nanoseconds } from '../../core/clock.ts'
import type { DirectionProfile, LinkProfile } from '../../core/link-profile.ts'
import { quantileInterval, quantileOf } from '../../measure/order-statistics.ts'
import { designEffect, proportionInterval } from '../../measure/proportion.ts'
import { mean, type Interval } from '../../measure/statistics.ts'
import { fromNormal } from '../../network/emulator/distribution.ts'
import { lossOf, serialisation, type Way } from './asked.ts'
import { arrivalsOf, delaysOf, type Passage } from './instrument.ts'
import type { Row } from './row.ts'

/** A median, or mean, of one-way delay may be off by so much. */
const DELAY_OFF: Nanoseconds = 0.3 * MILLISECOND
/** From here on a packet counts as late. */
const TAIL_OFF: Nanoseconds = MILLISECOND
/**
 * What chance may do is judged at this level, not at the 95 % that is shown: of a dozen true values, 95 % would call one
 * wrong in every second calibration.
 */
const LEVEL = 0.999
const QUANTILES = [0.05, 0.5, 0.95]
/** Standard normal values at these quantiles. */
const NORMAL = [-1.6448536269514722, 0, 1.6448536269514722]

const ms = (time: Nanoseconds): number => time / MILLISECOND
const msInterval = ({ low, high, level }: Interval): Interval => ({ low: ms(low), high: ms(high), level }) // prettier-ignore
const percentInterval = ({ low, high, level }: Interval): Interval => ({ low: 100 * low, high: 100 * high, level }) // prettier-ignore

type Place = Pick<Row, 'profile' | 'way'>

/** @param passage packets one by one */
export const sparseRows = (profile: LinkProfile, way: Way, passage: Passage): Row[] => {
  const shape = profile[way]
  const place = { profile: profile.name, way }
  const base = shape.delay + serialisation(shape, profile.shared[way], passage.load.size)
  const delays = delaysOf(passage)
  const isPlain = shape.trace === null && shape.reorder === null && delays.length > 0
  return [
    ...(isPlain && shape.jitter === 0 ? plainDelayRows(place, base, delays) : []),
    ...(isPlain && shape.jitter > 0 ? jitterRows(place, shape, base, delays) : []),
    ...lossRows(place, shape, passage),
    ...duplicateRows(place, shape, passage),
  ]
}

const plainDelayRows = (place: Place, base: Nanoseconds, delays: Float64Array): Row[] => {
  const row = (quantity: string, value: Nanoseconds, off: Nanoseconds): Row => ({
    ...place,
    quantity,
    unit: 'ms',
    asked: ms(base),
    measured: ms(value),
    interval: null,
    tolerance: `${ms(off)} ms`,
    ok: Math.abs(value - base) <= off,
  })
  return [
    row('delay mean', mean([...delays]), DELAY_OFF),
    row('delay p50', quantileOf(delays, 0.5), DELAY_OFF),
    row('delay p99', quantileOf(delays, 0.99), TAIL_OFF),
  ]
}

const jitterRows = (
  place: Place,
  shape: DirectionProfile,
  base: Nanoseconds,
  delays: Float64Array,
): Row[] => QUANTILES.map((_, i) => jitterRow(place, shape, base, delays, i))

const jitterRow = (
  place: Place,
  { jitter, distribution, delay }: DirectionProfile,
  base: Nanoseconds,
  delays: Float64Array,
  index: number,
): Row => {
  const q = QUANTILES[index] as number
  // A delay is cut where it would be negative.
  const asked = base + Math.max(-delay, jitter * fromNormal(distribution, NORMAL[index] as number))
  const chance = quantileInterval(delays, q, LEVEL)
  return {
    ...place,
    quantity: `delay p${q * 100}`,
    unit: 'ms',
    asked: ms(asked),
    measured: ms(quantileOf(delays, q)),
    interval: msInterval(quantileInterval(delays, q)),
    tolerance: `${ms(DELAY_OFF)} ms beyond chance`,
    ok: asked >= chance.low - DELAY_OFF && asked <= chance.high + DELAY_OFF,
  }
}

const lossRows = (place: Place, shape: DirectionProfile, passage: Passage): Row[] => {
  if (shape.loss.kind === 'list' || shape.policer !== null) return []
  const { load, sent, received } = passage
  const trials = load.count / load.devices
  const counts = Array.from({ length: load.devices }, () => 0)
  for (let i = 0; i < load.count; i++)
    if (Number.isNaN(received[i]) && !Number.isNaN(sent[i]))
      counts[i % load.devices] = (counts[i % load.devices] ?? 0) + 1
  const lost = counts.reduce((sum, count) => sum + count, 0)
  const effect = designEffect(counts, trials)
  const asked = lossOf(shape, load.size)
  return [fraction(place, 'loss', asked, lost, load.count, effect)]
}

const duplicateRows = (place: Place, { duplicate }: DirectionProfile, passage: Passage): Row[] => {
  if (duplicate === 0) return []
  const arrived = arrivalsOf(passage).length
  return [fraction(place, 'duplicates', duplicate, passage.duplicates, arrived, 1)]
}

const fraction = (
  place: Place,
  quantity: string,
  asked: number,
  count: number,
  trials: number,
  effect: number,
): Row => {
  const exact = asked === 0
  const interval = proportionInterval(count / effect, trials / effect)
  const chance = proportionInterval(count / effect, trials / effect, LEVEL)
  return {
    ...place,
    quantity,
    unit: '%',
    asked: asked * 100,
    measured: (100 * count) / trials,
    interval: exact ? null : percentInterval(interval),
    tolerance: exact ? 'none' : 'chance',
    ok: exact ? count === 0 : chance.low <= asked && asked <= chance.high,
  }
}
