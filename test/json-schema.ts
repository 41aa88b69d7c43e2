/** As much of JSON Schema draft 7 as scenario.schema.json uses, so that the file is checked as an editor would check it. */

type Schema = Readonly<Record<string, unknown>>

const typeOf = (value: unknown): string => {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  return typeof value
}

const hasType = (value: unknown, type: string): boolean =>
  type === 'integer' ? Number.isInteger(value) : typeOf(value) === type

/** A keyword that is not here would silently hold for everything. */
const KEYWORDS: Readonly<Record<string, (value: unknown, rule: never, schema: Schema) => boolean>> =
  {
    type: (value, rule: string | string[]) => [rule].flat().some((type) => hasType(value, type)),
    enum: (value, rule: unknown[]) => rule.includes(value),
    const: (value, rule: unknown) => value === rule,
    pattern: (value, rule: string) => new RegExp(rule, 'u').test(String(value)),
    minLength: (value, rule: number) => String(value).length >= rule,
    maxLength: (value, rule: number) => String(value).length <= rule,
    minimum: (value, rule: number) => Number(value) >= rule,
    maximum: (value, rule: number) => Number(value) <= rule,
    minItems: (value, rule: number) => (value as unknown[]).length >= rule,
    maxItems: (value, rule: number) => (value as unknown[]).length <= rule,
    required: (value, rule: string[]) => rule.every((key) => Object.hasOwn(value as object, key)),
    anyOf: (value, rule: Schema[]) => rule.some((one) => mismatches(value, one).length === 0),
    items: (value, rule: Schema) =>
      !Array.isArray(value) || value.every((one) => mismatches(one, rule).length === 0),
    additionalProperties: (value, rule: boolean, schema) =>
      rule ||
      Object.keys(value as object).every((key) =>
        Object.hasOwn(schema['properties'] as object, key),
      ),
  }

const ANNOTATIONS = new Set(['$schema', 'title', 'description', 'default', 'properties'])

/** The places at which a value breaks the schema; empty: it satisfies it. */
export const mismatches = (value: unknown, schema: Schema, path = ''): string[] => {
  const wrong: string[] = []
  for (const [keyword, rule] of Object.entries(schema)) {
    if (ANNOTATIONS.has(keyword)) continue
    const holds = KEYWORDS[keyword]
    if (!holds) throw new Error(`the schema uses ${keyword}, which this check does not know`)
    if (!holds(value, rule as never, schema)) wrong.push(`${path || 'the file'}: ${keyword}`)
    if (keyword === 'type' && wrong.length > 0) return wrong
  }
  const properties = (schema['properties'] ?? {}) as Readonly<Record<string, Schema>>
  for (const [key, inner] of Object.entries(properties))
    if (typeOf(value) === 'object' && Object.hasOwn(value as object, key))
      wrong.push(...mismatches((value as Schema)[key], inner, path === '' ? key : `${path}.${key}`))
  return wrong
}
