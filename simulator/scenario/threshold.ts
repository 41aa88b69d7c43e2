/** Thresholds: one metric, one bound, in the metric's unit or in one that converts. */
import type { Catalogue, Threshold } from '../core/types.ts'
import { allowedUnits, parseQuantity, UNITS, type Dimension } from '../core/units.ts'
import { optional, record, required } from './containers.ts'
import type { RawScalar } from './read.ts'
import { described, located, type Located, type Rule } from './rule.ts'
import { text } from './scalars.ts'

/** A threshold whose stack and link are still names in the file. */
export interface WantedThreshold {
  readonly metric: string
  readonly stack: Located<string> | undefined
  readonly link: Located<string> | undefined
  readonly bound: 'below' | 'above'
  readonly value: number
  readonly text: string
}

const metricName = (metrics: Catalogue['metrics']): Rule<string> => {
  const names = Object.keys(metrics)
  return {
    schema: { enum: names },
    read(node, path, problems) {
      const word = node.kind === 'scalar' ? String(node.value) : ''
      if (Object.hasOwn(metrics, word)) return word
      const family = names.filter((one) => one.split('.')[0] === word.split('.')[0])
      problems.add(node, path, {
        found: described(node),
        allowed: family.length > 0 ? family.join(', ') : 'a metric of "thingbench list metrics"',
        near: { word, among: names },
      })
      return undefined
    },
  }
}

/** Any single value: what it may be depends on the metric. */
const bound: Rule<RawScalar & { readonly path: string }> = {
  schema: { type: ['number', 'string'] },
  read(node, path, problems) {
    if (node.kind === 'scalar' && node.value !== null) return { ...node, path }
    problems.add(node, path, { found: described(node), allowed: 'a number, with its unit' })
    return undefined
  },
}

const BARE = /^(\d+(?:\.\d+)?)\s*(\D*)$/u

/** The dimension whose units convert to a metric's unit, and how many of its base units that is. */
const convertible = (unit: string): { dimension: Dimension; base: number } | undefined => {
  if (unit === 'ratio') return { dimension: 'ratio', base: 1 }
  for (const dimension of ['duration', 'size'] as const) {
    const units: Readonly<Record<string, number>> = UNITS[dimension]
    const base = units[unit]
    if (base !== undefined) return { dimension, base }
  }
  return undefined
}

/** "0.5 s" for a metric in ms is 500; so are 500 and "500 ms". undefined: it does not fit. */
export const thresholdValue = (written: string, unit: string): number | undefined => {
  const bare = BARE.exec(written.trim())
  if (bare && (bare[2] === '' || bare[2] === unit)) return Number(bare[1])
  const other = convertible(unit)
  if (!other) return undefined
  const reading = parseQuantity(written, other.dimension)
  return reading.value === null ? undefined : reading.value / other.base
}

const allowedBounds = (unit: string): string => {
  const other = convertible(unit)
  const own = unit === 'ratio' ? 'a number such as 0.99' : `a number in ${unit}`
  return other ? `${own}, or ${allowedUnits(other.dimension)}` : own
}

/** One item of `thresholds`. */
export const thresholdRule = (metrics: Catalogue['metrics']): Rule<WantedThreshold> => {
  const keys = record({
    metric: required('It is a name of "thingbench list metrics".', metricName(metrics)),
    stack: optional(
      'Only for this stack; default: every stack.',
      located(text('the name of a stack')),
    ),
    link: optional('Only on this link; default: every link.', located(text('the name of a link'))),
    below: optional('Crossed where the value is not below this.', bound),
    above: optional('Crossed where the value is not above this.', bound),
  })
  return {
    schema: keys.schema,
    read(node, path, problems) {
      const values = keys.read(node, path, problems)
      if (!values) return undefined
      const { metric, stack, link, below, above } = values
      if (node.kind === 'mapping' && node.entries.has('below') === node.entries.has('above')) {
        const found =
          below === undefined ? 'neither "below" nor "above"' : 'both "below" and "above"'
        problems.add(node, path, { found, allowed: 'one of the two in each threshold' })
        return undefined
      }
      const written = below ?? above
      if (!written) return undefined
      const source = String(written.value)
      const unit = metrics[metric] ?? ''
      const value = thresholdValue(source, unit)
      if (value === undefined) {
        const found = described(written)
        problems.add(written, written.path, { found, allowed: allowedBounds(unit) })
        return undefined
      }
      return { metric, stack, link, bound: below ? 'below' : 'above', value, text: source }
    },
  }
}

export const resolveThreshold = (wanted: WantedThreshold): Threshold => ({
  ...wanted,
  stack: wanted.stack?.value ?? null,
  link: wanted.link?.value ?? null,
})
