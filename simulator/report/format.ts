/** Numbers for people: three significant digits and thousands apart. */
import type { Interval } from '../measure/statistics.ts'

/** A space that does not break: between thousands, and between a number and its unit. */
const NO_BREAK = '\u00a0'

const grouped = (digits: string): string => digits.replace(/\B(?=(\d{3})+$)/g, NO_BREAK)

/** 0.0123, 1.23, 12.3, 123, 1 234: three significant digits, but every digit of the whole part; whole numbers stay whole. */
export const number = (value: number): string => {
  const sign = value < 0 ? '−' : ''
  const size = Math.abs(value)
  if (Number.isInteger(value) || size >= 99.95) return sign + grouped(String(Math.round(size)))
  const rounded = Number(size.toPrecision(3))
  if (rounded < 1e-4) return sign + size.toExponential(1)
  return sign + rounded.toFixed(Math.max(0, 2 - Math.floor(Math.log10(rounded))))
}

export const withUnit = (value: number, unit: string): string =>
  `${number(value)}${NO_BREAK}${unit}`

/** [40.9, 41.6]; an interval that reaches the undelivered has no upper end. */
export const range = (interval: Interval): string =>
  `[${number(interval.low)}, ${Number.isFinite(interval.high) ? number(interval.high) : 'lost'}]`

/** A share of 1 in per cent, with as many decimals as keep 99.996 % apart from 100 %. */
export const percent = (ratio: number): string => {
  const rest = Math.min(ratio, Math.abs(1 - ratio))
  const decimals = rest === 0 ? 0 : Math.min(7, Math.max(1, Math.ceil(-Math.log10(rest)) - 1))
  return `${(ratio * 100).toFixed(decimals)}${NO_BREAK}%`
}

const step = (ratio: number, decimals: number): string =>
  `${ratio < 1 ? '−' : '+'}${Math.abs((ratio - 1) * 100).toFixed(decimals)}${NO_BREAK}%`

/** +28 % and −3.1 %; from twice and down to half it is a factor: ×2.3. */
export const change = (ratio: number): string => {
  if (ratio >= 2 || ratio <= 0.5) return `×${number(ratio)}`
  return step(ratio, Math.abs(ratio - 1) < 0.0995 ? 1 : 0)
}

/** +24 % to +26 %, with as many decimals as tell the ends of a narrow interval apart. */
export const changes = ({ low, high }: Interval): string => {
  const candidates = [
    change,
    ...[1, 2, 3].map((decimals) => (ratio: number) => step(ratio, decimals)),
  ]
  const words = candidates.find((one) => one(low) !== one(high)) ?? change
  return `${words(low)} to ${words(high)}`
}

/** 95 %, 96.9 %: the level of an interval. */
export const level = (value: number): string => `${Number((value * 100).toFixed(1))}${NO_BREAK}%`

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${grouped(String(count))} ${count === 1 ? one : many}`

/** "a", "a and b", "a, b and c". */
export const list = (items: readonly string[]): string =>
  items.length < 2 ? (items[0] ?? '') : `${items.slice(0, -1).join(', ')} and ${items.at(-1) ?? ''}`
