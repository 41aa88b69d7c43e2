/** The JSON Schema of scenario files, for completion and checks in editors: made from the table that the reader uses. */
import type { Catalogue } from '../core/types.ts'
import { scenarioRule } from './format.ts'
import type { Profiles } from './link.ts'
import type { JsonSchema } from './rule.ts'

/** Draft 7, which editors' YAML servers know best. What is not available yet is left out. */
export const scenarioSchema = (catalogue: Catalogue, profiles: Profiles): JsonSchema => ({
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'A thingbench scenario',
  description: 'One question: which stacks, on which links, with how many devices, doing what.',
  ...scenarioRule(catalogue, profiles, '').schema,
})

/** The text of scenarios/scenario.schema.json. */
export const schemaText = (catalogue: Catalogue, profiles: Profiles): string =>
  `${JSON.stringify(scenarioSchema(catalogue, profiles), null, 2)}\n`
