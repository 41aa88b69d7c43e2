import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Scenario } from '../core/types.ts'
import { CATALOGUE } from '../scenario/catalogue.fixture.ts'
import { expand } from '../scenario/expand.ts'
import { folderProfiles, parseScenario, PROFILES } from '../scenario/load.ts'
import { blocksOf, expectedConnects, expectedMessages, expectedTime } from './order.ts'

const scenarioOf = (more = '', workload = 'interval: 250 ms'): Scenario =>
  parseScenario(
    new TextEncoder().encode(`thingbench: 1
stacks: [mqtt-tcp, mqtt-tls, coap-udp, coap-dtls-psk, xmpp-tcp, xmpp-tls]
links: [{ name: slow, delay: 50 ms }]
devices: 100
workload: { ${workload} }
phases: { ramp: 1 s, warmup: 600 ms, measure: 3500 ms, drain: 2 s }
repetitions: 4
${more}`),
    'x.yaml',
    CATALOGUE,
    folderProfiles(PROFILES),
  )

const ids = (scenario: Scenario): string[][] =>
  blocksOf(scenario).map((block) => block.map((cell) => cell.id))

test('a block is one repetition of everything', () => {
  const scenario = scenarioOf()
  const blocks = blocksOf(scenario)
  assert.deepEqual(
    blocks.map((block) => new Set(block.map((cell) => cell.repetition))),
    [new Set([1]), new Set([2]), new Set([3]), new Set([4])],
  )
  assert.deepEqual(
    ids(scenario).flat().toSorted(),
    expand(scenario)
      .map((cell) => cell.id)
      .toSorted(),
  )
})

test('the order inside a block is random, differs between blocks, and is fixed by the seed', () => {
  const stacks = blocksOf(scenarioOf()).map((block) => block.map((cell) => cell.stack.name).join())
  assert.ok(new Set(stacks).size > 1)
  assert.deepEqual(ids(scenarioOf()), ids(scenarioOf()))
  assert.notDeepEqual(ids(scenarioOf('seed: 1\n')), ids(scenarioOf('seed: 2\n')))
})

test('a cell takes its phases, a few round trips and the overhead', () => {
  const scenario = scenarioOf()
  const [cell] = expand(scenario)
  assert.ok(cell)
  // 1 s ramp + 5 x 0.1 s + 0.6 s + 3.5 s + (2 x 0.1 s + 0.5 s) + 1.5 s
  assert.equal(expectedTime(cell, scenario.phases), 7.8e9)
})

test('connecting is never expected to take longer than its deadline', () => {
  const scenario = scenarioOf()
  const [cell] = expand(scenario)
  assert.ok(cell)
  const phases = { ...scenario.phases, connectDeadline: 1.1e9 }
  assert.equal(expectedTime(cell, phases), 7.4e9)
})

test('a cell intends devices x measure / interval messages', () => {
  const scenario = scenarioOf()
  const [cell] = expand(scenario)
  assert.ok(cell)
  assert.equal(expectedMessages(cell, scenario.phases), 1400)
})

test('what a workload asks of connections is expected too', () => {
  const expected = (workload: string): number[] => {
    const scenario = scenarioOf('', workload)
    const cell = expand(scenario)[0]
    assert.ok(cell)
    const { phases } = scenario
    return [
      expectedMessages(cell, phases),
      expectedConnects(cell, phases),
      expectedTime(cell, phases),
    ]
  }
  assert.deepEqual(expected('interval: 250 ms'), [1400, 0, 7.8e9])
  assert.deepEqual(expected('kind: connect, interval: 500 ms'), [0, 700, 7.8e9])
  assert.deepEqual(expected('kind: idle'), [0, 0, 7.8e9])
  assert.deepEqual(expected('interval: 1 s, churn: { share: 10 % }'), [350, 35, 7.8e9])
  // The drain holds one more sleep, and the rest of its 2 s is not needed.
  const sleep = 'sleep: { awake: 600 ms, asleep: 800 ms }'
  assert.deepEqual(expected(`interval: 1 s, ${sleep}`), [350, 250, 8.6e9])
})
