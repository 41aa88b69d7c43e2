/** What differs between two values as JSON has them, path by path. */

export interface Difference {
  /** Such as links[0].up.delay. */
  readonly path: string
  /** Undefined: not there. */
  readonly old: unknown
  readonly now: unknown
}

type Json = Readonly<Record<string, unknown>>

const isTree = (value: unknown): value is Json => typeof value === 'object' && value !== null

/** Differences in the order in which the old value, then the new one has its keys. Elements of lists are compared by their place. */
export const differences = (old: unknown, now: unknown, path = ''): Difference[] => {
  if (!isTree(old) || !isTree(now) || Array.isArray(old) !== Array.isArray(now))
    return Object.is(old, now) ? [] : [{ path, old, now }]
  const join = (key: string): string =>
    Array.isArray(old) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`
  const keys = new Set([...Object.keys(old), ...Object.keys(now)])
  return [...keys].flatMap((key) => differences(old[key], now[key], join(key)))
}

const LONGEST = 100
const MOST = 20

const shown = (value: unknown): string => {
  if (value === undefined) return 'nothing'
  const text = JSON.stringify(value)
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}...` : text
}

/** One line for each. */
export const listDifferences = (found: readonly Difference[]): string => {
  const lines = found
    .slice(0, MOST)
    .map(({ path, old, now }) => `  ${path}: it was ${shown(old)}, and is now ${shown(now)}`)
  return [...lines, ...(found.length > MOST ? [`  and ${found.length - MOST} more`] : [])].join(
    '\n',
  )
}
