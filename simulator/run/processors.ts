/**
 * Which process stays on which processor. On two: the server has one of its own, fleet, link and consumer share the other.
 * From four on each is alone. On one nothing is pinned.
 */
import { readFileSync } from 'node:fs'

export interface Processors {
  readonly server: number | null
  readonly fleet: number | null
  readonly link: number | null
  readonly consumer: number | null
}

/** "0-2,5" is 0, 1, 2, 5. */
export const parseProcessorList = (text: string): number[] =>
  text
    .trim()
    .split(',')
    .filter((part) => part !== '')
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number)
      return Array.from({ length: last - first + 1 }, (_, i) => first + i)
    })

export const assignProcessors = (allowed: readonly number[]): Processors => {
  const [a = null, b = null, c = null, d = null] = allowed
  if (b === null) return { server: null, fleet: null, link: null, consumer: null }
  if (d === null) return { server: a, fleet: b, link: b, consumer: b }
  return { server: a, fleet: b, link: c, consumer: d }
}

/** The processors that this process may use. */
export const allowedProcessors = (): number[] =>
  parseProcessorList(
    /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '',
  )
