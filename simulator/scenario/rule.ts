/**
 * A rule says what is allowed at one place of the format. It reads what the file said, and it describes itself as JSON
 * Schema, so that the reader, the messages and the editor's completion come from one table.
 */
import type { Problems, Spot } from './problem.ts'
import type { RawNode } from './read.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

export interface Rule<T> {
  /** The value, or undefined after reporting what is wrong. */
  read(node: RawNode, path: string, problems: Problems): T | undefined
  /** null: nothing of this is available yet, so an editor does not offer it. */
  readonly schema: JsonSchema | null
}

/** What a node is, for a message: `"mqtt-tsl"`, `12`, `a list`, `nothing`. */
export const described = (node: RawNode): string => {
  if (node.kind !== 'scalar') return node.kind === 'sequence' ? 'a list' : 'a mapping'
  if (node.value === null) return node.source === '' ? 'nothing' : node.source
  return typeof node.value === 'string' ? `"${node.value}"` : node.source
}

/** A value with its place, for checks that need two places of the file. */
export interface Located<T> extends Spot {
  readonly value: T
  readonly path: string
}

/** Keeps the place of what another rule reads. */
export const located = <T>(rule: Rule<T>): Rule<Located<T>> => ({
  schema: rule.schema,
  read(node, path, problems) {
    const value = rule.read(node, path, problems)
    return value === undefined ? undefined : { value, path, line: node.line, column: node.column }
  },
})

/** Takes what a rule read further: into another shape or, after reporting what does not fit, into nothing. */
export const refined = <A, B>(
  rule: Rule<A>,
  to: (value: A, node: RawNode, path: string, problems: Problems) => B | undefined,
): Rule<B> => ({
  schema: rule.schema,
  read(node, path, problems) {
    const value = rule.read(node, path, problems)
    return value === undefined ? undefined : to(value, node, path, problems)
  },
})

/** Part of the format whose engine is not built: any value is told so, with what to do instead. */
export const planned = (instead: string): Rule<never> => ({
  schema: null,
  read(node, path, problems) {
    const key = path.split('.').at(-1) ?? path
    problems.planned(node, path, key, instead)
    return undefined
  },
})

const alternatives = (schema: JsonSchema): readonly unknown[] =>
  Array.isArray(schema['anyOf']) ? schema['anyOf'] : [schema]

/** Reads with the rule that suits the kind of the node: a name, or a mapping in its place. */
export const scalarOr = <S, M>(scalar: Rule<S>, mapping: Rule<M>): Rule<S | M> => ({
  schema:
    scalar.schema && mapping.schema
      ? { anyOf: [...alternatives(scalar.schema), mapping.schema] }
      : (scalar.schema ?? mapping.schema),
  read(node, path, problems): S | M | undefined {
    return (node.kind === 'mapping' ? mapping : scalar).read(node, path, problems)
  },
})
