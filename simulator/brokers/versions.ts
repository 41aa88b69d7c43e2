/** Which versions of a server thingbench knows. Another one may have other defaults, and then the audit of a run would be wrong. */

export interface VersionRange {
  /** The first version, such as 2.0. */
  readonly from: string
  /** The first version that is too new. */
  readonly below: string
}

/** "2.0.11" is 2, 0, 11; what follows the numbers, such as "-rc1", does not count. Empty for what is no version. */
const numbersOf = (version: string): readonly number[] =>
  (/^\d+(?:\.\d+)*/.exec(version)?.[0] ?? '').split('.').filter(Boolean).map(Number)

/** Negative, zero or positive, as `a` is older, the same or newer; missing numbers are zero. */
const compare = (a: readonly number[], b: readonly number[]): number => {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** False also for what is no version, such as "unknown". */
export const inRange = (version: string, { from, below }: VersionRange): boolean => {
  const found = numbersOf(version)
  return (
    found.length > 0 && compare(found, numbersOf(from)) >= 0 && compare(found, numbersOf(below)) < 0
  )
}
