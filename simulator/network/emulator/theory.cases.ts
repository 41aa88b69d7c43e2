/** Comparison of what was drawn with what theory says. */
import assert from 'node:assert/strict'

/** The value that chi-square with so many degrees of freedom exceeds once in a thousand (Wilson and Hilferty 1931). */
const chiSquareLimit = (degrees: number): number =>
  degrees * (1 - 2 / (9 * degrees) + 3.0902 * Math.sqrt(2 / (9 * degrees))) ** 3

/** Counts of classes, whose probabilities are known, pass the chi-square test at 0.1 %. */
export const assertChiSquare = (
  counts: ArrayLike<number>,
  probabilities: readonly number[],
  what: string,
): void => {
  const observed = Array.from(counts)
  const total = observed.reduce((a, b) => a + b, 0)
  let sum = 0
  for (const [i, probability] of probabilities.entries()) {
    const expected = total * probability
    assert.ok(expected >= 5, `${what}: class ${i} is too rare to judge`)
    sum += ((observed[i] as number) - expected) ** 2 / expected
  }
  const limit = chiSquareLimit(probabilities.length - 1)
  assert.ok(sum < limit, `${what}: chi-square ${sum} is above ${limit}: ${observed.join(' ')}`)
}

/** Probabilities of the run lengths 1, 2, ... `longest`, and of all beyond, if runs end with `end` at each step. */
export const geometric = (end: number, longest: number): number[] => [
  ...Array.from({ length: longest }, (_, i) => (1 - end) ** i * end),
  (1 - end) ** longest,
]

/** `found` is within four standard deviations of `expected`. */
export const assertWithin = (
  found: number,
  expected: number,
  deviation: number,
  what: string,
): void => {
  assert.ok(
    Math.abs(found - expected) < 4 * deviation,
    `${what}: ${found}, expected ${expected}, deviation ${deviation}`,
  )
}

/** Deviation of a fraction of `count` of which each is met with probability p and agrees with the one before it by `correlation`. */
export const deviationOfFraction = (p: number, count: number, correlation = 0): number =>
  Math.sqrt((p * (1 - p) * (1 + correlation)) / (1 - correlation) / count)

/** Independent values have the distribution function `below`, by Kolmogorov and Smirnov at 0.1 %. */
export const assertDistribution = (
  values: readonly number[],
  below: (value: number) => number,
  what: string,
): void => {
  const sorted = values.toSorted((a, b) => a - b)
  let distance = 0
  for (const [i, value] of sorted.entries()) {
    const p = below(value)
    distance = Math.max(
      distance,
      Math.abs(p - i / sorted.length),
      Math.abs((i + 1) / sorted.length - p),
    )
  }
  const limit = 1.95 / Math.sqrt(sorted.length)
  assert.ok(distance < limit, `${what}: distance ${distance} is above ${limit}`)
}

export const correlation = (a: readonly number[], b: readonly number[]): number => {
  const mean = (values: readonly number[]): number =>
    values.reduce((x, y) => x + y, 0) / values.length
  const [ma, mb] = [mean(a), mean(b)]
  let [ab, aa, bb] = [0, 0, 0]
  for (const [i, value] of a.entries()) {
    const [da, db] = [value - ma, (b[i] as number) - mb]
    ab += da * db
    aa += da * da
    bb += db * db
  }
  return ab / Math.sqrt(aa * bb)
}
