/** Rules for mappings and lists. */
import { Problems, type Spot } from './problem.ts'
import type { RawMapping, RawNode } from './read.ts'
import { described, type JsonSchema, type Rule } from './rule.ts'

/** One key of a mapping. */
export interface Field<T> {
  readonly help: string
  readonly rule: Rule<T>
  readonly required: boolean
  /** As a file would write it. */
  readonly written: string | number | boolean | undefined
  /** What holds when the key is absent, or wrong and reported. */
  readonly fallback: () => T | undefined
}

// oxlint-disable-next-line typescript/no-explicit-any -- a mapping has keys of many types
export type Fields = Readonly<Record<string, Field<any>>>

export type Values<F extends Fields> = {
  readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never
}

export const required = <T>(help: string, rule: Rule<T>): Field<T> => ({
  help,
  rule,
  required: true,
  written: undefined,
  fallback: () => undefined,
})

export const optional = <T>(help: string, rule: Rule<T>): Field<T | undefined> => ({
  ...required(help, rule),
  required: false,
})

/** A key whose default is given as a file would write it. */
export const defaulted = <T>(
  help: string,
  rule: Rule<T>,
  written: string | number | boolean,
): Field<T> => ({
  ...required(help, rule),
  required: false,
  written,
  fallback: () => {
    const source = String(written)
    return rule.read({ kind: 'scalar', value: written, source, ...NOWHERE }, '', new Problems())
  },
})

/** A mapping whose keys all have defaults, and that may therefore be absent. */
export const section = <T>(help: string, rule: Rule<T>): Field<T> => ({
  ...required(help, rule),
  required: false,
  fallback: () =>
    rule.read({ kind: 'mapping', entries: new Map(), ...NOWHERE }, '', new Problems()),
})

const NOWHERE: Spot = { line: 0, column: 0 }

const isPlanned = (field: Field<unknown>): boolean => field.rule.schema === null

/**
 * A mapping with known keys. A wrong value is reported and its default read on with, so that all problems come at once;
 * without a required key there is no value. `synonyms`: what people write who come from other tools -> the key here.
 */
export const record = <F extends Fields>(
  fields: F,
  synonyms: Readonly<Record<string, string>> = {},
): Rule<Values<F>> => ({
  schema: recordSchema(fields),
  read(node, path, problems) {
    if (node.kind !== 'mapping') {
      problems.add(node, path, {
        found: described(node),
        allowed: `a mapping of ${keysOf(fields)}`,
      })
      return undefined
    }
    unknownKeys(node, path, fields, synonyms, problems)
    const values: Record<string, unknown> = {}
    let complete = true
    for (const [key, field] of Object.entries(fields)) {
      const entry = node.entries.get(key)
      const inner = path === '' ? key : `${path}.${key}`
      if (entry) values[key] = field.rule.read(entry.value, inner, problems)
      else if (field.required) missing(node, path, key, field.help, problems)
      if (values[key] !== undefined) continue
      if (field.required) complete = false
      else values[key] = field.fallback()
    }
    return complete ? (values as Values<F>) : undefined
  },
})

const keysOf = (fields: Fields): string =>
  Object.keys(fields)
    .filter((key) => !isPlanned(fields[key] as Field<unknown>))
    .join(', ')

const missing = (
  node: RawNode,
  path: string,
  key: string,
  help: string,
  problems: Problems,
): void =>
  problems.add(node, path, {
    found: `no key "${key}"`,
    allowed: `"${key}" with a value`,
    message: `the key "${key}" is missing. ${help}`,
  })

const unknownKeys = (
  node: RawMapping,
  path: string,
  fields: Fields,
  synonyms: Readonly<Record<string, string>>,
  problems: Problems,
): void => {
  for (const [key, entry] of node.entries) {
    if (Object.hasOwn(fields, key)) continue
    const inner = path === '' ? key : `${path}.${key}`
    const meant = Object.hasOwn(synonyms, key) ? synonyms[key] : undefined
    const found = `the unknown key "${key}"`
    problems.add(entry.key, inner, {
      found,
      allowed: keysOf(fields),
      ...(meant === undefined
        ? { near: { word: key, among: Object.keys(fields) } }
        : { advice: `The key for it is ${meant}.` }),
    })
  }
}

const recordSchema = (fields: Fields): JsonSchema => {
  const known = Object.entries(fields).filter(([, field]) => !isPlanned(field))
  const properties = known.map(([key, { help, rule, written }]) => [
    key,
    { description: help, ...rule.schema, ...(written === undefined ? {} : { default: written }) },
  ])
  const needed = known.filter(([, field]) => field.required).map(([key]) => key)
  return {
    type: 'object',
    properties: Object.fromEntries(properties) as JsonSchema,
    ...(needed.length === 0 ? {} : { required: needed }),
    additionalProperties: false,
  }
}

/** A list, which `what` describes; what is wrong in it is reported, and the rest is read on with. */
export const list = <T>(item: Rule<T>, what: string, least = 1): Rule<readonly T[]> => ({
  schema: { type: 'array', items: item.schema, minItems: least },
  read(node, path, problems) {
    if (node.kind !== 'sequence' || node.items.length < least) {
      const found = node.kind === 'sequence' ? 'an empty list' : described(node)
      problems.add(node, path, { found, allowed: what })
      return undefined
    }
    return node.items
      .map((one, i) => item.read(one, `${path}[${i}]`, problems))
      .filter((value) => value !== undefined)
  },
})

/** One value, or a list of different values: a factor of the experiment. */
export const factor = <T extends number>(item: Rule<T>): Rule<readonly T[]> => ({
  schema: { anyOf: [item.schema, { type: 'array', items: item.schema, minItems: 1 }] },
  read(node, path, problems) {
    if (node.kind !== 'sequence') {
      const value = item.read(node, path, problems)
      return value === undefined ? undefined : [value]
    }
    const values: T[] = []
    for (const [i, one] of node.items.entries()) {
      const value = item.read(one, `${path}[${i}]`, problems)
      if (value === undefined) continue
      if (values.includes(value))
        problems.add(one, `${path}[${i}]`, {
          found: `${described(one)} for the second time`,
          allowed: 'each value once',
        })
      else values.push(value)
    }
    if (node.items.length === 0)
      problems.add(node, path, {
        found: 'an empty list',
        allowed: 'one value, or a list of values',
      })
    return values.length === 0 ? undefined : values
  },
})
