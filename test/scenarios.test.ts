/** Every scenario of the repository resolves, every broken one is refused with a message worth reading, and the schema is up to date. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { ThingbenchError } from '../simulator/core/errors.ts'
import { catalogue } from '../simulator/run/catalogue.ts'
import { CATALOGUE } from '../simulator/scenario/catalogue.fixture.ts'
import { expand } from '../simulator/scenario/expand.ts'
import {
  folderProfiles,
  parseScenario,
  PROFILES,
  readScenario,
} from '../simulator/scenario/load.ts'
import type { Problem } from '../simulator/scenario/problem.ts'
import { scenarioSchema, schemaText } from '../simulator/scenario/schema.ts'
import { mismatches } from './json-schema.ts'

const SCENARIOS = join(import.meta.dirname, '..', 'scenarios')
const BROKEN = join(import.meta.dirname, 'fixtures', 'broken')
const profiles = folderProfiles(PROFILES)
const yamlFiles = (folder: string): string[] =>
  readdirSync(folder).filter((file) => file.endsWith('.yaml'))

/** The files that hold expected text are written anew by `node --test --test-update-snapshots test/scenarios.test.ts`. */
const asText = { serializers: [String] }

for (const file of yamlFiles(SCENARIOS)) {
  test(`scenarios/${file} resolves, and its title is a question`, () => {
    const scenario = readScenario(join(SCENARIOS, file), catalogue)
    assert.match(scenario.title, /\?$/u)
    assert.ok(expand(scenario).length > 0)
  })

  test(`scenarios/${file} names the schema in its first line and satisfies it`, () => {
    const text = readFileSync(join(SCENARIOS, file), 'utf8')
    const [first] = text.split('\n')
    assert.equal(first, '# yaml-language-server: $schema=./scenario.schema.json')
    assert.deepEqual(mismatches(parse(text), scenarioSchema(catalogue, profiles)), [])
  })
}

for (const file of yamlFiles(PROFILES))
  test(`scenarios/profiles/${file} says where its values come from and how far to trust them`, () => {
    const link = profiles.read(file.slice(0, -'.yaml'.length))
    assert.match(link.source, /our choice|model|standard/u)
    assert.ok(link.up.delay > 0 && link.down.delay > 0)
  })

test('there is a profile for every kind of network, under a name that results can bear', () => {
  const kinds =
    `lan wifi wifi-lossy lossy lte lte-m nb-iot nb-iot-good nb-iot-deep 3g edge ieee-802-15-4-hop lorawan-like
    leo-satellite geo-satellite fernandez-wifi fernandez-lte fernandez-satellite emqx-policer`.split(
      /\s+/u,
    )
  assert.deepEqual(
    kinds.filter((kind) => !profiles.names.includes(kind)),
    [],
  )
  for (const kind of profiles.names) assert.match(kind, /^[a-z0-9]+(?:-[a-z0-9]+)*$/u)
})

test('a profile of which people misremember the name is suggested', () => {
  const text = `thingbench: 1
stacks: [mqtt-tcp]
links: [802.15.4-hop, nbiot-good, ltem]
devices: 1
workload: { interval: 1 s }
`
  const told = (): unknown => parseScenario(Buffer.from(text), 'x.yaml', CATALOGUE, profiles)
  assert.throws(told, (error: Error) =>
    ['ieee-802-15-4-hop', 'nb-iot-good', 'lte-m'].every((meant) =>
      error.message.includes(`Did you mean "${meant}"?`),
    ),
  )
})

test('a round trip on the NB-IoT profile stays below the first timers of TCP and DTLS', () => {
  for (const name of ['nb-iot', 'nb-iot-good']) {
    const { up, down } = profiles.read(name)
    assert.ok(up.delay + down.delay + 3 * (up.jitter + down.jitter) < 0.9e9)
  }
})

test('the schema file is what the table of the reader says', (t) => {
  t.assert.fileSnapshot(
    schemaText(catalogue, profiles),
    join(SCENARIOS, 'scenario.schema.json'),
    asText,
  )
})

const refusal = (file: string): ThingbenchError => {
  try {
    parseScenario(readFileSync(join(BROKEN, file)), file, CATALOGUE, profiles)
  } catch (error) {
    assert.ok(error instanceof ThingbenchError, String(error))
    return error
  }
  return assert.fail(`${file} is accepted`)
}

test('there are at least 20 broken scenarios', () => {
  assert.ok(yamlFiles(BROKEN).length >= 20)
})

for (const file of yamlFiles(BROKEN))
  test(`the broken scenario ${file} is refused with the expected message`, (t) => {
    const error = refusal(file)
    assert.equal(error.code, 'TB_SCENARIO_INVALID')
    assert.equal(error.exit, 2)
    for (const { line, column, found, allowed, message } of error.cause as Problem[]) {
      assert.ok(line >= 1 && column >= 1)
      assert.ok(found !== '' && allowed !== '')
      assert.match(message, /[.?]$/u)
    }
    t.assert.fileSnapshot(`${error.message}\n`, join(BROKEN, file.replace('.yaml', '.txt')), asText)
  })
