/** Quantities that may be of two dimensions, told apart by their units: `64 packets` or `64 kB`. */
import { allowedUnits, parseQuantity, type Dimension } from '../core/units.ts'
import { described, type Rule } from './rule.ts'
import { quantity } from './scalars.ts'

interface Range<D extends Dimension> {
  readonly dimension: D
  /** In base units. */
  readonly least: number
  readonly most?: number
}

export const either = <A extends Dimension, B extends Dimension>(
  one: Range<A>,
  other: Range<B>,
): Rule<{ readonly value: number; readonly unit: A | B }> => {
  const ranges = [one, other]
  const rules = ranges.map(({ dimension, least, most }) => quantity(dimension, least, most))
  return {
    schema: { anyOf: rules.map((rule) => rule.schema) },
    read(node, path, problems) {
      const written = node.kind === 'scalar' ? String(node.value ?? '') : ''
      const readings = ranges.map(({ dimension }) => parseQuantity(written, dimension))
      const fits = readings.findIndex((reading) => reading.value !== null)
      if (fits >= 0) {
        const value = rules[fits]?.read(node, path, problems)
        const unit = ranges[fits]?.dimension
        return value === undefined || unit === undefined ? undefined : { value, unit }
      }
      const [problem] = readings.flatMap((reading) => ('problem' in reading ? [reading] : []))
      const meant = readings.flatMap((reading) =>
        'suggestion' in reading && reading.suggestion !== null ? [reading.suggestion] : [],
      )
      const telling = written !== '' && problem !== undefined
      problems.add(node, path, {
        found: telling ? `${described(node)}, which ${problem.problem}` : described(node),
        allowed: ranges.map(({ dimension }) => allowedUnits(dimension)).join('; or '),
        ...(telling && meant.length > 0 ? { advice: `Write ${meant.join(' or ')}.` } : {}),
      })
      return undefined
    },
  }
}
