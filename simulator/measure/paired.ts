/**
 * Two stacks compared by repetition. A repetition is a block: both sides saw the same channel and the same hour, so what
 * they have in common cancels in the pair.
 */
import { Random } from '../core/random.ts'
import { type Interval, identical, mean, meanInterval, median, variance } from './statistics.ts'

/** One block: the value of the stack, and that of its baseline. */
export interface Pair {
  readonly value: number
  readonly baseline: number
}

/** How large a difference must be before it matters to anyone: the larger of both limits. */
export interface Relevance {
  /** Of the baseline. */
  readonly relative: number
  /** In the metric's unit. */
  readonly absolute: number
}

/**
 * `few`: under 3 pairs, nothing is drawn. `preliminary`: 3 to 5 pairs. `claim`: from 6 pairs the interval excludes no
 * change, the sign-flip test agrees and the effect is relevant. `unclear`: from 6 pairs, but one of these is missing.
 */
export type Strength = 'few' | 'preliminary' | 'claim' | 'unclear'

export interface Comparison {
  readonly pairs: number
  readonly strength: Strength
  /** Geometric mean of value / baseline, with its t interval on logs; null where a value is not above 0, or under 3 pairs. */
  readonly ratio: number | null
  readonly ratioInterval: Interval | null
  /** Mean of value - baseline, with its t interval; null under 3 pairs. */
  readonly difference: number | null
  readonly differenceInterval: Interval | null
  /** Of the sign-flip test; null under 3 pairs. */
  readonly p: number | null
  /** The interval excludes no change, and the effect exceeds the relevance limit. */
  readonly relevant: boolean
  /** Both sides gave the same values in every block. */
  readonly exact: boolean
  /** How many times smaller pairing made the variance of the difference; null where it vanishes. */
  readonly pairingGain: number | null
}

const EXHAUSTIVE = 16
const DRAWS = 65536

/**
 * The two-sided p value of the mean of `differences` under random signs (Fisher 1935): every one of the 2^n sign patterns
 * up to n = 16, then 65 536 seeded random ones. The smallest p of n pairs is 2^(1-n).
 */
export const signFlip = (differences: readonly number[]): number => {
  const n = differences.length
  const observed = Math.abs(differences.reduce((sum, d) => sum + d, 0)) * (1 - 1e-12)
  const all = n <= EXHAUSTIVE
  const patterns = all ? 2 ** n : DRAWS
  const random = new Random(0x5167, n)
  let extreme = 0
  for (let pattern = 0; pattern < patterns; pattern++) {
    let sum = 0
    for (let i = 0; i < n; i++) {
      const flip = all ? (pattern >>> i) & 1 : random.integer(2)
      sum += flip === 1 ? -(differences[i] as number) : (differences[i] as number)
    }
    if (Math.abs(sum) >= observed) extreme++
  }
  return all ? extreme / patterns : (extreme + 1) / (patterns + 1)
}

const excludes = (interval: Interval | null, nothing: number): boolean =>
  interval !== null && (interval.low > nothing || interval.high < nothing)

const exponential = (interval: Interval | null): Interval | null =>
  interval && {
    low: Math.exp(interval.low),
    high: Math.exp(interval.high),
    level: interval.level,
  }

const strengthOf = (pairs: number, relevant: boolean, p: number): Strength => {
  if (pairs < 6) return 'preliminary'
  return relevant && p < 0.05 ? 'claim' : 'unclear'
}

const NOTHING: Omit<Comparison, 'pairs'> = {
  strength: 'few',
  ratio: null,
  ratioInterval: null,
  difference: null,
  differenceInterval: null,
  p: null,
  relevant: false,
  exact: false,
  pairingGain: null,
}

/**
 * Compares on the logarithm of the ratio, because times and costs scale; on the difference where a value is 0 (the
 * security handshake of a plain stack), which has no ratio.
 */
export const compare = (pairs: readonly Pair[], relevance: Relevance): Comparison => {
  if (pairs.length < 3) return { ...NOTHING, pairs: pairs.length }
  const values = pairs.map((pair) => pair.value)
  const baselines = pairs.map((pair) => pair.baseline)
  const logarithmic = pairs.every((pair) => pair.value > 0 && pair.baseline > 0)
  const scale = logarithmic ? Math.log : (x: number): number => x
  const steps = pairs.map((pair) => scale(pair.value) - scale(pair.baseline))
  const differences = pairs.map((pair) => pair.value - pair.baseline)
  const exact = identical(values) && identical(baselines)
  // Rounding leaves identical steps a variance of 1e-33: an exact comparison has an interval of width 0.
  const interval = exact ? around(steps[0] as number) : meanInterval(steps)
  const centre = exact ? (steps[0] as number) : mean(steps)
  const p = signFlip(steps)
  const usual = median(baselines)
  const effect = logarithmic ? Math.abs(Math.exp(centre) - 1) * usual : Math.abs(centre)
  const relevant =
    excludes(interval, 0) && effect > Math.max(relevance.relative * usual, relevance.absolute)
  return {
    pairs: pairs.length,
    strength: strengthOf(pairs.length, relevant, p),
    ratio: logarithmic ? Math.exp(centre) : null,
    ratioInterval: logarithmic ? exponential(interval) : null,
    difference: mean(differences),
    differenceInterval: exact ? around(differences[0] as number) : meanInterval(differences),
    p,
    relevant,
    exact,
    pairingGain: exact ? null : gainOf(values.map(scale), baselines.map(scale), steps),
  }
}

const around = (value: number): Interval => ({ low: value, high: value, level: 1 })

/** The variance that independent samples would give the difference, over the one that the pairs give it. */
const gainOf = (
  values: readonly number[],
  baselines: readonly number[],
  steps: readonly number[],
): number | null => {
  const left = variance(steps)
  return left > 1e-24 ? (variance(values) + variance(baselines)) / left : null
}

/** Times must differ by 1 % and 0.5 ms, CPU time and memory by 10 %, rates by 1 %; bytes and packets by anything. */
export const relevanceOf = (unit: string): Relevance => {
  switch (unit) {
    case 'ms':
      return { relative: 0.01, absolute: 0.5 }
    case 'us':
    case 'KiB':
      return { relative: 0.1, absolute: 0 }
    case 'msg/s':
    case 'ratio':
      return { relative: 0.01, absolute: 0 }
    default:
      return { relative: 0, absolute: 0 }
  }
}
