/** Mappings that have one of several forms, told apart by their keys: `{ mean, burst }` or `{ packets }`. */
import type { Problems } from './problem.ts'
import type { RawNode } from './read.ts'

export interface Form {
  readonly needs: readonly string[]
  readonly may?: readonly string[]
}

const told = ({ needs, may = [] }: Form): string =>
  [needs.join(' and '), ...(may.length === 0 ? [] : [`(also ${may.join(', ')})`])].join(' ')

const foundKeys = (keys: readonly string[]): string =>
  keys.length === 1 ? `only ${keys[0]}` : `${keys.slice(0, -1).join(', ')} and ${keys.at(-1)}`

/** The form whose keys a mapping has, all of them and no other; undefined after reporting that it is none. */
export const formOf = <F extends string>(
  node: RawNode,
  path: string,
  problems: Problems,
  forms: Readonly<Record<F, Form>>,
): F | undefined => {
  const all = Object.entries(forms) as [F, Form][]
  const known = new Set(all.flatMap(([, { needs, may = [] }]) => [...needs, ...may]))
  // What is unknown altogether was told where the mapping was read.
  const keys = node.kind === 'mapping' ? [...node.entries.keys()].filter((k) => known.has(k)) : []
  const fit = all.find(
    ([, { needs, may = [] }]) =>
      needs.every((key) => keys.includes(key)) &&
      keys.every((key) => needs.includes(key) || may.includes(key)),
  )
  if (fit) return fit[0]
  if (keys.length === 0 && node.kind === 'mapping' && node.entries.size > 0) return undefined
  problems.add(node, path, {
    found: keys.length === 0 ? 'an empty mapping' : foundKeys(keys),
    allowed: all.map(([, form]) => told(form)).join('; or '),
  })
  return undefined
}
