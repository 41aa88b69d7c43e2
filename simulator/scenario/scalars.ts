/** Rules for single values. */
import {
  allowedUnits,
  formatQuantity,
  parseQuantity,
  UNITS,
  type Dimension,
} from '../core/units.ts'
import { described, type Rule } from './rule.ts'

/** Any line of text that is not empty. */
export const text = (what: string): Rule<string> => ({
  schema: { type: 'string', minLength: 1 },
  read(node, path, problems) {
    if (node.kind === 'scalar' && typeof node.value === 'string' && node.value.trim() !== '')
      return node.value.trim()
    problems.add(node, path, { found: described(node), allowed: what })
    return undefined
  },
})

/** A word that a regular expression for the whole of it matches. */
export const pattern = (expression: string, what: string): Rule<string> => ({
  schema: { type: 'string', pattern: `^(${expression})$` },
  read(node, path, problems) {
    const word = node.kind === 'scalar' && typeof node.value === 'string' ? node.value : ''
    if (new RegExp(`^(${expression})$`, 'u').test(word)) return word
    problems.add(node, path, { found: described(node), allowed: what })
    return undefined
  },
})

const NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/u
const LONGEST_NAME = 40

/** A name that can stand in file names and results: kebab-case. */
export const name: Rule<string> = {
  schema: { type: 'string', pattern: NAME.source, maxLength: LONGEST_NAME },
  read(node, path, problems) {
    const word = node.kind === 'scalar' && node.value !== null ? String(node.value) : ''
    if (NAME.test(word) && word.length <= LONGEST_NAME) return word
    const kebab = word
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/gu, '-')
      .replaceAll(/^-+|-+$/gu, '')
      .slice(0, LONGEST_NAME)
    problems.add(node, path, {
      found: described(node),
      allowed: `small letters, digits and single hyphens, at most ${LONGEST_NAME} characters`,
      ...(kebab === '' ? {} : { advice: `Write "${kebab}".` }),
    })
    return undefined
  },
}

export interface ChoiceNotes {
  /** Word of the format -> what to use instead, as long as it has no engine. */
  readonly later?: Readonly<Record<string, string>>
  /** What others call the same -> the word here. */
  readonly meant?: Readonly<Record<string, string>>
  /** What else is allowed, behind the words. */
  readonly or?: string
  readonly advice?: string
}

/** An editor reads 1.3 without quotes as a number; the reader takes it as the word "1.3". */
const bothWays = (allowed: readonly (string | number)[]): (string | number)[] =>
  allowed.flatMap((one) => (String(Number(one)) === one ? [one, Number(one)] : [one]))

/** One of some words, compared as they are written, so that 1.3 needs no quotes. */
export const choice = <T extends string | number>(
  allowed: readonly T[],
  { later = {}, meant = {}, or, advice }: ChoiceNotes = {},
): Rule<T> => ({
  schema: { enum: bothWays(allowed) },
  read(node, path, problems) {
    const word = node.kind === 'scalar' ? String(node.value ?? node.source) : ''
    const source = node.kind === 'scalar' ? node.source : ''
    const found = allowed.find((one) => String(one) === word || String(one) === source)
    if (found !== undefined) return found
    const instead = Object.hasOwn(later, word) ? later[word] : undefined
    if (instead !== undefined) {
      problems.planned(node, path, word, instead)
      return undefined
    }
    const among = allowed.map(String)
    problems.add(node, path, {
      found: described(node),
      allowed: [...among, ...(or === undefined ? [] : [or])].join(', '),
      near: {
        word: Object.hasOwn(meant, word) ? (meant[word] ?? word) : word,
        among: [...among, ...Object.keys(later)],
      },
      ...(advice === undefined ? {} : { advice }),
    })
    return undefined
  },
})

/** What people write for true and false; only these two words themselves are YAML 1.2. */
const TRUTHS: ReadonlyMap<string, boolean> = new Map([
  ...['true', 'yes', 'on', 'y', '1'].map((word) => [word, true] as const),
  ...['false', 'no', 'off', 'n', '0'].map((word) => [word, false] as const),
])

/** true or false, of which `later` is not available yet. */
export const flag = (later?: {
  readonly value: boolean
  readonly instead: string
}): Rule<boolean> => ({
  schema: later === undefined ? { type: 'boolean' } : { const: !later.value },
  read(node, path, problems) {
    const word = node.kind === 'scalar' ? String(node.value).toLowerCase() : ''
    const meant = TRUTHS.get(word)
    if (later !== undefined && meant === later.value) {
      const key = path.split('.').at(-1) ?? path
      problems.planned(node, path, `${key}: ${meant}`, later.instead)
      return undefined
    }
    if (node.kind === 'scalar' && typeof node.value === 'boolean') return node.value
    problems.add(node, path, {
      found: described(node),
      allowed: 'true or false',
      ...(meant === undefined ? {} : { advice: `Write ${meant}.` }),
    })
    return undefined
  },
})

/** A whole number from `least` to `most`. */
export const integer = (least: number, most: number, what = 'a whole number'): Rule<number> => ({
  schema: { type: 'integer', minimum: least, maximum: most },
  read(node, path, problems) {
    const value = node.kind === 'scalar' ? node.value : null
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most)
      return value
    const plain = typeof value === 'string' ? Number(value.replaceAll(/[ _,]/gu, '')) : Number.NaN
    problems.add(node, path, {
      found: described(node),
      allowed: `${what} from ${least} to ${most}`,
      ...(Number.isInteger(plain) && plain >= least && plain <= most
        ? { advice: `Write ${plain}.` }
        : {}),
    })
    return undefined
  },
})

/** A number with a unit, from `least` to `most` in base units. */
export const quantity = (
  dimension: Dimension,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): Rule<number> => ({
  schema: {
    type: 'string',
    pattern: `^[0-9]+(\\.[0-9]+)? *(${Object.keys(UNITS[dimension]).join('|')})$`,
  },
  read(node, path, problems) {
    const written = node.kind === 'scalar' ? String(node.value ?? '') : ''
    const reading = parseQuantity(written, dimension)
    if (reading.value === null) {
      const telling = node.kind === 'scalar' && written !== ''
      problems.add(node, path, {
        found: telling ? `${described(node)}, which ${reading.problem}` : described(node),
        allowed: allowedUnits(dimension),
        ...(telling && reading.suggestion !== null
          ? { advice: `Write ${reading.suggestion}.` }
          : {}),
      })
      return undefined
    }
    if (reading.value >= least && reading.value <= most) return reading.value
    const low = formatQuantity(least, dimension)
    const range =
      most === Number.MAX_SAFE_INTEGER
        ? `${low} or more`
        : `${low} to ${formatQuantity(most, dimension)}`
    problems.add(node, path, { found: described(node), allowed: range })
    return undefined
  },
})

/** A quantity, or the word `unlimited`, which reads as null. */
export const limit = (dimension: Dimension, least: number): Rule<number | null> => {
  const limited = quantity(dimension, least)
  return {
    schema: { anyOf: [limited.schema, { const: 'unlimited' }] },
    read(node, path, problems) {
      const unlimited = node.kind === 'scalar' && node.value === 'unlimited'
      return unlimited ? null : limited.read(node, path, problems)
    },
  }
}
