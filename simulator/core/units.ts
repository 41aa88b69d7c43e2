/**
 * Quantities with units, as people write them ("20 ms", "64 kbit/s"), and the numbers that the code uses:
 * durations in nanoseconds, rates in bits or packets per second, sizes in bytes, ratios as fractions of 1, queues in packets.
 * A bare number is refused where a unit is needed: 500 of what?
 */
import type { Nanoseconds } from './clock.ts'

export type Dimension = 'duration' | 'rate' | 'size' | 'ratio' | 'packets' | 'packetRate'

/** Dimension -> unit -> how many base units it is (for %, per cent), smallest first. Binary sizes stand beside decimal ones. */
export const UNITS = {
  duration: { ns: 1, us: 1e3, ms: 1e6, s: 1e9, min: 60e9, h: 3600e9 },
  rate: { 'bit/s': 1, 'kbit/s': 1e3, 'Mbit/s': 1e6, 'Gbit/s': 1e9 },
  size: { B: 1, kB: 1e3, KiB: 1024, MB: 1e6, MiB: 1048576 },
  ratio: { '%': 1 },
  packets: { packets: 1 },
  packetRate: { 'packets/s': 1 },
} as const satisfies Record<Dimension, Record<string, number>>

/** One good example of each dimension, for messages and the schema. */
export const EXAMPLES = {
  duration: '500 ms',
  rate: '64 kbit/s',
  size: '100 B',
  ratio: '2 %',
  packets: '64 packets',
  packetRate: '29 packets/s',
} as const satisfies Record<Dimension, string>

/** What other tools and other habits call our units. Compared in lower case. */
const ALIASES: Readonly<Record<Dimension, Readonly<Record<string, string>>>> = {
  duration: {
    nanoseconds: 'ns',
    µs: 'us',
    μs: 'us',
    usec: 'us',
    microseconds: 'us',
    msec: 'ms',
    msecs: 'ms',
    millis: 'ms',
    millisecond: 'ms',
    milliseconds: 'ms',
    sec: 's',
    secs: 's',
    second: 's',
    seconds: 's',
    m: 'min',
    mins: 'min',
    minute: 'min',
    minutes: 'min',
    hr: 'h',
    hour: 'h',
    hours: 'h',
  },
  rate: {
    bps: 'bit/s',
    bit: 'bit/s',
    kbps: 'kbit/s',
    kbit: 'kbit/s',
    'kb/s': 'kbit/s',
    mbps: 'Mbit/s',
    mbit: 'Mbit/s',
    'mb/s': 'Mbit/s',
    gbps: 'Gbit/s',
    gbit: 'Gbit/s',
    'gb/s': 'Gbit/s',
  },
  size: { byte: 'B', bytes: 'B', k: 'kB', kbyte: 'kB', mbyte: 'MB' },
  ratio: { percent: '%', pct: '%' },
  packets: { packet: 'packets', pkts: 'packets', pkt: 'packets', p: 'packets' },
  packetRate: {
    pps: 'packets/s',
    'packet/s': 'packets/s',
    'pkts/s': 'packets/s',
    'pkt/s': 'packets/s',
  },
}

/** What a text says: a number of base units, or what is wrong with it and, where it can be guessed, what was meant. */
export type Reading =
  | { readonly value: number }
  | { readonly value: null; readonly problem: string; readonly suggestion: string | null }

const wrong = (problem: string, suggestion: string | null = null): Reading => ({
  value: null,
  problem,
  suggestion,
})

/** "a number and one of ns, us, ms, s, min, h, such as 500 ms": what is allowed. */
export const allowedUnits = (dimension: Dimension): string => {
  const units = Object.keys(UNITS[dimension])
  const which = units.length === 1 ? units[0] : `one of ${units.join(', ')}`
  return `a number and ${which}, such as ${EXAMPLES[dimension]}`
}

const meant = (unit: string, dimension: Dimension): string | undefined => {
  const small = unit.toLowerCase()
  const known = Object.keys(UNITS[dimension]).find((name) => name.toLowerCase() === small)
  return known ?? ALIASES[dimension][small]
}

/** What a bare number may have meant. 0.02 of a ratio is more often 2 % than 0.02 %. */
const guesses = (amount: string, dimension: Dimension): string[] => {
  if (dimension === 'ratio' && Number(amount) < 1) return [`"${percent(Number(amount))} %"`]
  const units = Object.keys(UNITS[dimension]).filter((name) => name !== 'ns' && name !== 'us')
  return units.slice(0, 2).map((name) => `"${amount} ${name}"`)
}

/** Multiplies, and for ratios divides, so that "0.3 %" is 0.003 and "1.1 s" is 1 100 000 000 ns exactly. */
const scale = (amount: number, unit: number, dimension: Dimension): number | null => {
  if (dimension === 'ratio') return amount / 100
  const value = amount * unit
  const whole = Math.round(value)
  return Math.abs(value - whole) <= 1e-9 * Math.max(1, value) ? whole : null
}

/**
 * Reads "20 ms" as 20 000 000. Spaces between number and unit do not matter; unit names are exact, because kb and kB differ.
 * Durations, rates, sizes and packets are whole numbers of their base unit, at most 2^53.
 */
export const parseQuantity = (text: string, dimension: Dimension): Reading => {
  const parts = /^([-+]?)(\d[\d,_]*(?:\.\d+)?|\.\d+)\s*(\D*)$/u.exec(text.trim())
  if (!parts) return wrong('is not a quantity')
  const [, sign = '', digits = '', unit = ''] = parts
  const plain = digits.replaceAll(/[,_]/gu, '').replace(/^\./u, '0.')
  if (unit === '') {
    return wrong('has no unit', guesses(plain, dimension).join(' or '))
  }
  const units: Readonly<Record<string, number>> = UNITS[dimension]
  const name = Object.hasOwn(units, unit) ? unit : meant(unit, dimension)
  const suggestion = name === undefined ? null : `"${plain} ${name}"`
  if (sign === '-') return wrong('is negative', suggestion)
  if (name !== unit) return wrong(`has the unknown unit "${unit}"`, suggestion)
  if (sign !== '' || plain !== digits) return wrong('has a badly written number', suggestion)
  const value = scale(Number(digits), units[unit] ?? 1, dimension)
  if (value === null) return wrong(`is not a whole number of ${Object.keys(units)[0]}`)
  if (value > Number.MAX_SAFE_INTEGER) return wrong('is too large')
  return { value }
}

/** At most this many decimals are nicer to read than the next smaller unit. */
const DECIMALS = 3

/**
 * The exact text of a value in its largest fitting unit: 1 500 000 000 ns is "1.5 s". `parseQuantity` gives the value
 * back; a ratio that no percentage of 17 digits hits comes back within 1e-15.
 */
export const formatQuantity = (value: number, dimension: Dimension): string => {
  const units = Object.entries(UNITS[dimension]).toReversed()
  if (dimension === 'ratio') return `${percent(value)} %`
  if (value === 0) return EXAMPLES[dimension].replace(/^\d+/u, '0')
  for (const [name, unit] of units) {
    const amount = value / unit
    if (amount < 1 && unit !== 1) continue
    const text = String(amount)
    const decimals = text.split('.')[1]?.length ?? 0
    if (decimals <= DECIMALS && !text.includes('e') && scale(amount, unit, dimension) === value)
      return `${text} ${name}`
  }
  return `${value} ${units.at(-1)?.[0] ?? ''}`
}

/** The shortest percentage that reads back as the same ratio. */
const percent = (ratio: number): string => {
  for (let digits = 1; digits <= 17; digits++) {
    const text = String(Number((ratio * 100).toPrecision(digits)))
    if (Number(text) / 100 === ratio && !text.includes('e')) return text
  }
  return (ratio * 100).toFixed(20)
}

/** A time to wait, for people: "6.8 s", "14 min 24 s", "2 h 5 min". Rounded, so never read back. */
export const formatSpan = (span: Nanoseconds): string => {
  const seconds = span / 1e9
  if (seconds < 59.95) return `${Number(seconds.toFixed(1))} s`
  const whole = Math.round(seconds)
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return whole % 60 === 0 ? `${minutes} min` : `${minutes} min ${whole % 60} s`
  const hours = Math.floor(Math.round(whole / 60) / 60)
  const rest = Math.round(whole / 60) % 60
  return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`
}
