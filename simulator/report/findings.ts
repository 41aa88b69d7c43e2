/** What the comparisons allow to say, in sentences: claims as claims, preliminary ones with that word, nothing else. */
import {
  type PairedResult,
  QUANTITIES,
  type Quantity,
  UNDELIVERED,
  baselineOf,
  comparePaired,
} from './compare.ts'
import { change, changes, list, number, range, withUnit } from './format.ts'
import { type Condition, type Group, observe } from './rows.ts'
import type { Run } from './run.ts'
import { centreOf } from './summary.ts'

export interface Finding {
  readonly condition: Condition
  readonly stack: Group
  readonly baseline: Group
  readonly sentences: readonly string[]
}

const middle = (group: Group, quantity: Quantity): string => {
  const { value } = centreOf(observe(group.counted, quantity.metrics, quantity.further))
  return value === null ? 'unknown' : number(value)
}

/** "231 instead of 181 B" */
const values = (result: PairedResult, quantity: Quantity): string =>
  `${middle(result.stack, quantity)} instead of ${middle(result.baseline, quantity)} ${quantity.unit}`

const evidence = (result: PairedResult, quantity: Quantity): string => {
  if (result.exact) return `${values(result, quantity)}, exact in all ${result.pairs} pairs`
  const interval = result.ratioInterval
  const difference = result.differenceInterval
  const bounds = interval
    ? changes(interval)
    : `${difference ? range(difference) : ''} ${quantity.unit} of difference`
  return `${values(result, quantity)}; 95 % interval ${bounds}; n = ${result.pairs}`
}

/** "by 28 %", "to 7.71 times", "by 80 ms" */
const size = (result: PairedResult, quantity: Quantity): string => {
  const { ratio } = result
  if (ratio === null) return `by ${withUnit(Math.abs(result.difference ?? 0), quantity.unit)}`
  return ratio >= 2 || ratio <= 0.5 ? `to ${number(ratio)} times` : `by ${change(ratio).slice(1)}`
}

/** "wire bytes per message by 28 % (231 instead of 181 B, exact in all 6 pairs)" */
export const effect = ({ result, quantity }: Compared): string =>
  `${quantity.words} ${size(result, quantity)} (${evidence(result, quantity)})`

/** "raises ... and ..., and lowers ..." */
const effects = (items: readonly Compared[]): string => {
  const up = items.filter(({ result }) => (result.difference ?? 0) > 0).map(effect)
  const down = items.filter(({ result }) => (result.difference ?? 0) <= 0).map(effect)
  const clauses = [
    up.length > 0 ? `raises ${list(up)}` : '',
    down.length > 0 ? `lowers ${list(down)}` : '',
  ]
  return clauses.filter((clause) => clause !== '').join('; it ')
}

export interface Compared {
  readonly quantity: Quantity
  readonly result: PairedResult
}

/** In what is not delivered, unless that is alike, and in `quantities`. */
export const comparedIn = (
  quantities: readonly Quantity[],
  stack: Group,
  baseline: Group,
): Compared[] =>
  [UNDELIVERED, ...quantities].flatMap((quantity) => {
    const result = comparePaired(stack, baseline, quantity.metrics, quantity.further)
    const alike = result?.exact === true && result.difference === 0
    return result === null || (alike && quantity === UNDELIVERED) ? [] : [{ quantity, result }]
  })

/** What may be said: a claim, or before 6 pairs what is relevant so far. */
export const isShown = ({ result: { strength, relevant } }: Compared): boolean =>
  relevant && (strength === 'claim' || strength === 'preliminary')

/** Enough pairs of something that something may be said. */
export const isEnough = (all: readonly Compared[]): boolean =>
  all.some(({ result }) => result.strength !== 'few')

/** Of what else was compared: what shows no difference, and what cannot be compared. */
export const restOf = (all: readonly Compared[]): string[] => {
  const names = (items: readonly Compared[]): string =>
    list(items.map(({ quantity }) => quantity.words))
  const none = all.filter(
    (one) => !isShown(one) && ['unclear', 'preliminary'].includes(one.result.strength),
  )
  const lost = all.filter(({ result }) => result.lost)
  return [
    ...(none.length > 0 ? [`No relevant difference is shown in ${names(none)}.`] : []),
    ...(lost.length > 0
      ? [`Not compared, because it falls among lost messages: ${names(lost)}.`]
      : []),
  ]
}

const sentencesOf = (stack: Group, baseline: Group): string[] => {
  const all = comparedIn(QUANTITIES, stack, baseline)
  if (!isEnough(all)) return [withoutComparison(stack, baseline)]
  const shown = (strength: PairedResult['strength']): Compared[] =>
    all.filter((one) => isShown(one) && one.result.strength === strength)
  const sentences: string[] = []
  const claims = shown('claim')
  const preliminary = shown('preliminary')
  const against = `compared with ${baseline.stack}, ${stack.stack}`
  if (claims.length > 0) sentences.push(`C${against.slice(1)} ${effects(claims)}.`)
  if (preliminary.length > 0)
    sentences.push(`Preliminary (fewer than 6 pairs): ${against} ${effects(preliminary)}.`)
  if (sentences.length === 0) sentences.push(`${stack.stack} beside ${baseline.stack}:`)
  return [...sentences, ...restOf(all)]
}

export const withoutComparison = (stack: Group, baseline: Group): string => {
  const bad = [stack, baseline].filter((group) => group.outcome !== 'measured')
  const reasons = bad.map((group) => `${group.stack} is ${group.outcome}`)
  return bad.length > 0
    ? `${stack.stack} is not compared with ${baseline.stack}: ${list(reasons)}.`
    : `${stack.stack} is not compared with ${baseline.stack}: fewer than 3 repetitions are valid on both sides.`
}

/** One finding per stack that has a baseline, in each condition. */
export const findingsOf = (run: Run): Finding[] =>
  run.conditions.flatMap((condition) =>
    condition.groups.flatMap((stack) => {
      const baseline = baselineOf(run, condition, stack)
      if (!baseline) return []
      return [{ condition, stack, baseline, sentences: sentencesOf(stack, baseline) }]
    }),
  )
