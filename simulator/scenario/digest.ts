/** The same question has the same digest, whatever the file is called and in whatever order its keys stand. */
import { createHash } from 'node:crypto'

/** JSON with sorted keys and without spaces: one text for one value. */
export const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join(',')}}`
}

/** SHA-256, hex, of the canonical JSON. */
export const digest = (value: unknown): string =>
  createHash('sha256').update(canonical(value)).digest('hex')
