import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { CATALOGUE } from '../scenario/catalogue.fixture.ts'
import { folderProfiles, parseScenario, PROFILES } from '../scenario/load.ts'
import type { Scenario } from '../core/types.ts'
import type { Machine } from './limits.ts'
import { devicesInFiles, devicesInMemory, fitOf, openFilesFor } from './limits.ts'

const MIB = 2 ** 20
const LARGE: Machine = {
  openFiles: 1_000_000,
  memory: 1e12,
  memoryOf: 'the machine',
  disk: 1e12,
  backlog: 4096,
}

const scenarioOf = (devices: number, change = ''): Scenario =>
  parseScenario(
    new TextEncoder().encode(`thingbench: 1
stacks: [mqtt-tcp, mqtt-quic]
links: [lan]
devices: [10, ${devices}]
workload: { interval: 1 s }
phases: { measure: 20 s }
${change}`),
    'x.yaml',
    CATALOGUE,
    folderProfiles(PROFILES),
  )

test('the largest question of the format fits a large machine', () => {
  assert.deepEqual(fitOf(scenarioOf(50_000), LARGE), { binding: null, close: [] })
})

test('a second connection of each device is another open file, and large messages are memory', () => {
  const bulk = '{ interval: 1 s, bulk: { payload: 4 MB, after: 1 s } }'
  const text = (own: string): Scenario =>
    parseScenario(
      new TextEncoder().encode(`thingbench: 1
stacks: [{ stack: mqtt-tcp, bulk: { ${own} } }]
links: [lan]
devices: 1000
workload: ${bulk}`),
      'x.yaml',
      CATALOGUE,
      folderProfiles(PROFILES),
    )
  assert.equal(openFilesFor(text('connection: shared')), 1074)
  assert.equal(openFilesFor(text('connection: own')), 2074)
  const small = { ...LARGE, memory: 4096 * MIB }
  assert.match(fitOf(text('connection: shared'), small).binding?.text ?? '', /of memory/)
  assert.equal(fitOf(text('chunk: 1 kB'), small).binding, null)
})

test('open files: the limit is named with the command that raises it', () => {
  const scenario = scenarioOf(20_000)
  assert.equal(openFilesFor(scenario), 20_264)
  const { binding } = fitOf(scenario, { ...LARGE, openFiles: 4096 })
  assert.match(
    binding?.text ?? '',
    /^mqtt-tcp\.lan\.20000\..*20 264 open files.* 4 096 are allowed; up to 3 991 devices/,
  )
  assert.match(binding?.remedy ?? '', /prlimit --pid \$\$ --nofile=20264:20264/)
  const { binding: none, close } = fitOf(scenario, { ...LARGE, openFiles: 20_264 })
  assert.equal(none, null)
  assert.match(close[0]?.text ?? '', /open files/)
})

test('memory: the stack that needs most is named, and whose memory it is', () => {
  const { binding } = fitOf(scenarioOf(10_000), { ...LARGE, memory: 1000 * MIB })
  assert.match(
    binding?.text ?? '',
    /^mqtt-quic\.lan\.10000\..* 2 3\d\d MiB of memory, and the machine has 1 000 MiB/,
  )
  const group = { ...LARGE, memory: 1000 * MIB, memoryOf: 'the control group' } as const
  assert.match(fitOf(scenarioOf(10_000), group).binding?.remedy ?? '', /MemoryMax/)
})

test('memory: WebSocket takes room at both ends', () => {
  const plain = scenarioOf(10_000)
  const stacks = plain.stacks.map((stack) => ({ ...stack, framing: 'websocket' as const }))
  const needed = (scenario: Scenario): number => {
    const { text = '' } = fitOf(scenario, { ...LARGE, memory: 1 }).binding ?? {}
    return Number(/about ([\d ]+) MiB/.exec(text)?.[1]?.replaceAll(' ', ''))
  }
  // Both are rounded to whole MiB.
  assert.ok(Math.abs(needed({ ...plain, stacks }) - needed(plain) - (10_000 * 16) / 1024) <= 1)
})

test('memory: messages take room too', () => {
  const machine = { ...LARGE, memory: 1000 * MIB }
  assert.equal(fitOf(scenarioOf(1000), machine).binding, null)
  const long = scenarioOf(1000).phases
  const hours = { ...scenarioOf(1000), phases: { ...long, measure: 8 * 3600e9 } }
  assert.match(fitOf(hours, machine).binding?.text ?? '', /MiB of memory/)
})

test('disk: more repetitions need more of it', () => {
  const machine = { ...LARGE, disk: 12 * MIB }
  assert.equal(fitOf(scenarioOf(100, 'repetitions: 1'), machine).binding, null)
  const { binding } = fitOf(scenarioOf(100, 'repetitions: 100'), machine)
  assert.match(binding?.text ?? '', /results take about \d+ MiB, and their disk has 12 MiB left/)
  assert.match(binding?.remedy ?? '', /--out/)
})

test('backlog: one that is shorter than the number of connects at a time distorts them', () => {
  const { binding } = fitOf(scenarioOf(100), { ...LARGE, backlog: 16 })
  assert.match(binding?.text ?? '', /50 devices connect at a time.* 16 /)
  assert.match(binding?.remedy ?? '', /sysctl -w net\.core\.somaxconn/)
  assert.equal(fitOf(scenarioOf(100), { ...LARGE, backlog: null }).binding, null)
})

test('the QUIC of OpenSSL needs more memory than the first engine', () => {
  const needed = (engine: 'quiche' | 'openssl'): number => {
    const quic = { engine, congestion: 'reno', streams: 'single', resumption: false, earlyData: false, group: 'X25519' } as const // prettier-ignore
    const scenario = scenarioOf(10_000)
    const stacks = scenario.stacks.map((stack) => ({ ...stack, quic }))
    const { binding } = fitOf({ ...scenario, stacks }, { ...LARGE, memory: 500 * MIB })
    return binding?.needed ?? 0
  }
  assert.equal(needed('openssl') - needed('quiche'), 10_000 * 80 * 1024)
})

test('of several limits the one that leaves least is named', () => {
  const machine = { ...LARGE, openFiles: 10_000, memory: 600 * MIB }
  assert.match(fitOf(scenarioOf(20_000), machine).binding?.text ?? '', /memory/)
  const files = { ...LARGE, openFiles: 256, memory: 2000 * MIB }
  assert.match(fitOf(scenarioOf(20_000), files).binding?.text ?? '', /open files/)
})

test('what is said to fit does fit, and a tenth more does not', () => {
  fc.assert(
    fc.property(fc.integer({ min: 500, max: 20_000 }), fc.boolean(), (size, byFiles) => {
      const machine = byFiles
        ? { ...LARGE, openFiles: size }
        : { ...LARGE, memory: (400 + size / 5) * MIB }
      // Without messages, of which there may be any number.
      const silent = (devices: number): Scenario => {
        const scenario = scenarioOf(11)
        const workloads = scenario.workloads.map((workload) => ({
          ...workload,
          interval: Infinity,
        }))
        return { ...scenario, workloads, devices: [devices] }
      }
      const devices = byFiles ? devicesInFiles(machine.openFiles) : devicesInMemory(machine.memory)
      assert.equal(fitOf(silent(devices), machine).binding, null)
      assert.notEqual(fitOf(silent(Math.ceil(devices * 1.1) + 1), machine).binding, null)
    }),
    { numRuns: 100 },
  )
})
