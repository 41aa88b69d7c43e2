/** What docs/events.schema.json says of an event of `thingbench run --json`. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { mismatches } from './json-schema.ts'

interface EventSchema {
  readonly title: string
  readonly required: readonly string[]
  readonly properties: Readonly<Record<string, unknown>>
}

export interface Event {
  readonly event: string
  readonly [field: string]: unknown
}

const SCHEMA = JSON.parse(
  readFileSync(join(import.meta.dirname, '..', 'docs', 'events.schema.json'), 'utf8'),
) as { readonly anyOf: readonly EventSchema[] }

/** Event -> its schema. */
export const SCHEMAS: ReadonlyMap<string, EventSchema> = new Map(
  SCHEMA.anyOf.map((one) => [one.title, one]),
)

/** Gives the event back when it satisfies the schema and has no field that the schema does not know. */
export const isEvent = (value: unknown): Event => {
  const event = value as Event
  const one = SCHEMAS.get(event.event)
  const text = JSON.stringify(value)
  assert.ok(one, `no such event: ${text}`)
  // The one that is meant first: it says what is wrong.
  assert.deepEqual(mismatches(value, { ...one }), [], text)
  assert.deepEqual(mismatches(value, { ...SCHEMA }), [], text)
  const unknown = Object.keys(event).filter((field) => !Object.hasOwn(one.properties, field))
  assert.deepEqual(unknown, [], text)
  return event
}
