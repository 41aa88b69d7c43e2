import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import * as fc from 'fast-check'
import { ThingbenchError } from '../core/errors.ts'
import {
  CLEAR_DIRECTION,
  CLEAR_LINK,
  type DirectionProfile,
  type LinkProfile,
} from '../core/link-profile.ts'
import type { Scenario } from '../core/types.ts'
import { CATALOGUE } from './catalogue.fixture.ts'
import { folderProfiles, parseScenario, PROFILES, readScenario } from './load.ts'
import type { Problem } from './problem.ts'

const profiles = folderProfiles(PROFILES)
const FORMAT = `thingbench: 1
stacks: [mqtt-tcp]
devices: 10
workload: { interval: 1 s }
`
const resolve = (link: string, file = 'question.yaml'): Scenario => {
  const text = `${FORMAT}links: [{ name: one, ${link} }]\n`
  return parseScenario(new TextEncoder().encode(text), file, CATALOGUE, profiles)
}
const linkOf = (link: string): LinkProfile => resolve(link).links[0] as LinkProfile
const problemsOf = (link: string): readonly Problem[] => {
  try {
    resolve(link)
  } catch (error) {
    assert.ok(error instanceof ThingbenchError, String(error))
    return error.cause as readonly Problem[]
  }
  return []
}

/** What stands in the file -> what both directions become. */
const BOTH: Readonly<Record<string, Partial<DirectionProfile>>> = {
  'delay: 50 ms': { delay: 50e6 },
  'delay: 50 ms, jitter: 10 ms': { delay: 50e6, jitter: 10e6 },
  'delay: 50 ms, jitter: { deviation: 10 ms, distribution: pareto, overtaking: true }': {
    delay: 50e6,
    jitter: 10e6,
    distribution: 'pareto',
    overtaking: true,
  },
  'rate: 1 Mbit/s': { rate: 1e6 },
  'rate: { mean: 1 Mbit/s, burst: 10 kB }': { rate: 1e6, rateBurst: 10_000 },
  'loss: 2 %': { loss: { kind: 'time', ratio: 0.02, burst: 0 } },
  'loss: { mean: 2 %, burst: 200 ms }': { loss: { kind: 'time', ratio: 0.02, burst: 200e6 } },
  'loss: { mean: 2 %, burst: 3 packets }': { loss: { kind: 'packets', ratio: 0.02, burst: 3 } },
  'loss: { packets: [7, 3] }': { loss: { kind: 'list', packets: [3, 7] } },
  'loss: 1 %, frame: 102 B': { loss: { kind: 'time', ratio: 0.01, burst: 0 }, frame: 102 },
  'duplicate: 1 %': { duplicate: 0.01 },
  'corrupt: 0.1 %': { corrupt: 0.001 },
  'reorder: { share: 1 %, by: 20 ms }': { reorder: { ratio: 0.01, by: 20e6 } },
  'policer: { rate: 29 packets/s, burst: 5 packets }': { policer: { rate: 29, burst: 5 } },
  'rate: 1 Mbit/s, queue: 100 packets': { rate: 1e6, queue: { limit: 100, unit: 'packets' } },
  'rate: 1 Mbit/s, queue: 64 kB': { rate: 1e6, queue: { limit: 64_000, unit: 'bytes' } },
  'rate: 1 Mbit/s, queue: { codel: true }': {
    rate: 1e6,
    codel: { target: 5e6, interval: 100e6 },
  },
  'rate: 1 Mbit/s, queue: { limit: 64 kB, codel: { target: 10 ms, interval: 200 ms } }': {
    rate: 1e6,
    queue: { limit: 64_000, unit: 'bytes' },
    codel: { target: 10e6, interval: 200e6 },
  },
  'rate: unlimited, queue: unlimited': {},
}

for (const [written, values] of Object.entries(BOTH))
  test(`{ ${written} } holds for both directions`, () => {
    const { up, down } = linkOf(written)
    assert.deepEqual(up, { ...CLEAR_DIRECTION, ...values })
    assert.deepEqual(down, up)
  })

/** What stands in the file -> what the link becomes. */
const WHOLE: Readonly<Record<string, Partial<LinkProfile>>> = {
  'mtu: 1280 B': { mtu: 1280 },
  'wake: { delay: 1.5 s, after: 10 s }': { wake: { delay: 1.5e9, inactivity: 10e9 } },
  'nat: { udp_timeout: 120 s, tcp_timeout: 2 h }': {
    nat: { udpTimeout: 120e9, tcpTimeout: 7200e9 },
  },
  'nat: {}': { nat: { udpTimeout: 120e9, tcpTimeout: 7440e9 } },
  'shared: { rate: 1 Mbit/s, queue: 64 kB, up: { rate: 250 kbit/s } }': {
    shared: {
      up: { rate: 250e3, queue: { limit: 64_000, unit: 'bytes' } },
      down: { rate: 1e6, queue: { limit: 64_000, unit: 'bytes' } },
    },
  },
  'shared: { down: { rate: 1 Mbit/s } }': {
    shared: { up: null, down: { rate: 1e6, queue: null } },
  },
}

for (const [written, values] of Object.entries(WHOLE))
  test(`{ ${written} } holds for the link`, () => {
    const words = { name: 'one', title: 'one', source: 'the scenario file' }
    assert.deepEqual(linkOf(written), { ...CLEAR_LINK, ...words, ...values })
  })

test('half_duplex is for links with a rate', () => {
  assert.ok(linkOf('rate: 1 Mbit/s, half_duplex: true').halfDuplex)
  assert.match(problemsOf('half_duplex: true')[0]?.message ?? '', /without a rate/u)
})

test('a direction replaces a value as a whole', () => {
  const { up, down } = linkOf(
    'rate: 1 Mbit/s, queue: { limit: 9 packets, codel: true }, up: { queue: 5 packets }',
  )
  assert.deepEqual([up.queue?.limit, up.codel], [5, null])
  assert.deepEqual([down.queue?.limit, down.codel], [9, { target: 5e6, interval: 100e6 }])
})

test('a common value that one direction has no use for is accepted, and told where neither has', () => {
  assert.deepEqual(problemsOf('queue: 9 packets, up: { rate: 1 Mbit/s }'), [])
  assert.equal(problemsOf('queue: 9 packets').length, 1)
  const replaced = problemsOf('queue: 9 packets, up: { rate: 1 Mbit/s, queue: 5 packets }')
  assert.deepEqual(
    replaced.map((p) => p.path),
    ['links[0].queue'],
  )
  assert.deepEqual(
    problemsOf('rate: 1 Mbit/s, up: { rate: unlimited, queue: 9 packets }').map((p) => p.path),
    ['links[0].up.queue'],
  )
})

const folder = mkdtempSync(join(tmpdir(), 'thingbench-trace-'))
after(() => rmSync(folder, { recursive: true }))

test('a trace is found beside the scenario, and the question is the same wherever it lies', () => {
  mkdirSync(join(folder, 'elsewhere'))
  const scenarios = [folder, join(folder, 'elsewhere')].map((place) => {
    writeFileSync(join(place, 'cell.trace'), '0\n5\n9\n')
    writeFileSync(
      join(place, 'question.yaml'),
      `${FORMAT}links: [{ name: one, up: { rate: { trace: cell.trace } } }]\n`,
    )
    return readScenario(join(place, 'question.yaml'), CATALOGUE)
  })
  const digest = createHash('sha256').update('0\n5\n9\n').digest('hex')
  const [first, second] = scenarios.map((scenario) => scenario.links[0]?.up.trace)
  assert.deepEqual(first, { file: join(folder, 'cell.trace'), digest })
  assert.deepEqual(second, { file: join(folder, 'elsewhere', 'cell.trace'), digest })
  assert.equal(scenarios[0]?.digest, scenarios[1]?.digest)
  writeFileSync(join(folder, 'cell.trace'), '0\n5\n8\n')
  const other = readScenario(join(folder, 'question.yaml'), CATALOGUE)
  assert.notEqual(other.digest, scenarios[1]?.digest)
})

test('a broken trace is told with the line that breaks it, before anything runs', () => {
  writeFileSync(join(folder, 'broken.trace'), '0\n5\n4\n')
  const told = (trace: string): string =>
    problemsOf(`rate: { trace: ${trace} }`)
      .map((problem) => problem.message)
      .join('')
  assert.match(told(join(folder, 'broken.trace')), /line 3: "4" is earlier than 5/u)
  assert.match(told('absent.trace'), /"absent.trace", which is not there/u)
  assert.match(told(folder), /which is a folder/u)
})

const keys = (value: object): string[] => Object.keys(value).toSorted()

const assertFrozen = (value: unknown): void => {
  if (typeof value !== 'object' || value === null) return
  assert.ok(Object.isFrozen(value))
  for (const inner of Object.values(value)) assertFrozen(inner)
}

/** Values of every key, right, wrong, and of the wrong key. */
const pieces = [...Object.keys(BOTH), ...Object.keys(WHOLE)]
  .flatMap((written) => written.split(/, (?=[a-z_]+: (?![^{]*\}))/u))
  .concat('queue: 9', 'jitter: 1 h', 'frame: 40 B', 'delay: -1 ms', 'half_duplex: true')
const mapping = fc.uniqueArray(fc.constantFrom(...pieces), {
  maxLength: 6,
  selector: (piece) => piece.split(':')[0],
})
const ofDirection = mapping.map((some) =>
  some.filter((piece) => !/^(?:mtu|wake|nat|shared|half)/u.test(piece)),
)

test('whatever is accepted has every value, frozen; whatever is refused says why', () => {
  let accepted = 0
  fc.assert(
    fc.property(mapping, ofDirection, (both, up) => {
      const written = [...both, ...(up.length > 0 ? [`up: { ${up.join(', ')} }`] : [])].join(', ')
      let scenario: Scenario
      try {
        scenario = resolve(written)
      } catch (error) {
        assert.ok(error instanceof ThingbenchError, String(error))
        assert.ok((error.cause as readonly Problem[]).length > 0)
        return
      }
      accepted++
      const [link] = scenario.links
      assert.ok(link)
      assert.deepEqual(keys(link), keys(CLEAR_LINK))
      for (const one of [link.up, link.down]) {
        assert.deepEqual(keys(one), keys(CLEAR_DIRECTION))
        assert.ok(one.jitter <= one.delay)
        assert.ok(one.frame === null || one.loss.kind === 'time')
        assert.ok(one.rate === null || one.trace === null)
      }
      assertFrozen(link)
    }),
    { numRuns: 300 },
  )
  assert.ok(accepted > 10, 'the property met links that are accepted')
})
