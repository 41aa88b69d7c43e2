import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ThingbenchError } from '../core/errors.ts'
import type { TimelineEvent } from '../core/link-profile.ts'
import { CATALOGUE } from './catalogue.fixture.ts'
import { folderProfiles, parseScenario, PROFILES } from './load.ts'
import type { Problem } from './problem.ts'

const profiles = folderProfiles(PROFILES)
const timelineOf = (...events: readonly string[]): readonly TimelineEvent[] => {
  const text = `thingbench: 1
stacks: [mqtt-tcp]
links: [lte-m]
devices: 10
workload: { interval: 1 s }
phases: { measure: 20 s }
timeline:
${events.map((event) => `  - ${event}\n`).join('')}`
  const bytes = new TextEncoder().encode(text)
  return parseScenario(bytes, 'question.yaml', CATALOGUE, profiles).timeline
}
const pathsOf = (...events: readonly string[]): string[] => {
  try {
    timelineOf(...events)
  } catch (error) {
    assert.ok(error instanceof ThingbenchError, String(error))
    return (error.cause as readonly Problem[]).map((problem) => problem.path)
  }
  return []
}

test('a blackout meets all devices in both directions, unless it says otherwise', () => {
  assert.deepEqual(
    timelineOf(
      '{ at: 5 s, for: 2 s, blackout: all }',
      '{ at: 8 s, for: 1 s, blackout: up, devices: 50 % }',
      '{ at: 10 s, blackout: down }',
    ),
    [
      { kind: 'blackout', at: 5e9, for: 2e9, direction: 'both', devices: 1 },
      { kind: 'blackout', at: 8e9, for: 1e9, direction: 'up', devices: 0.5 },
      { kind: 'blackout', at: 10e9, for: null, direction: 'down', devices: 1 },
    ],
  )
})

test('a change names only what changes, for both directions unless one says otherwise', () => {
  const values =
    'delay: 200 ms, loss: 1 %, up: { rate: 50 kbit/s, loss: 2 % }, down: { queue: unlimited }'
  assert.deepEqual(timelineOf(`{ at: 10 s, for: 5 s, change: { ${values} } }`), [
    {
      kind: 'change',
      at: 10e9,
      for: 5e9,
      devices: 1,
      up: { delay: 200e6, rate: 50e3, loss: { kind: 'time', ratio: 0.02, burst: 0 } },
      down: { delay: 200e6, loss: { kind: 'time', ratio: 0.01, burst: 0 }, queue: null },
    },
  ])
})

test('a rebind changes the port, and lets the reset through, unless it says otherwise', () => {
  assert.deepEqual(
    timelineOf('{ at: 0 s, rebind: all }', '{ at: 1 s, rebind: 50 %, policy: drop, to: address }'),
    [
      { kind: 'rebind', at: 0, policy: 'reset', to: 'port', devices: 1 },
      { kind: 'rebind', at: 1e9, policy: 'drop', to: 'address', devices: 0.5 },
    ],
  )
})

test('events may follow each other at once, and hold different values at a time', () => {
  assert.deepEqual(
    pathsOf(
      '{ at: 1 s, for: 2 s, change: { delay: 60 ms } }',
      '{ at: 3 s, for: 2 s, change: { delay: 70 ms } }',
      '{ at: 1 s, for: 9 s, change: { loss: 1 % } }',
      '{ at: 1 s, for: 9 s, blackout: up }',
      '{ at: 2 s, for: 9 s, blackout: down }',
    ),
    [],
  )
})

test('what lasts to the end overlaps everything after it', () => {
  assert.deepEqual(
    pathsOf('{ at: 1 s, change: { delay: 60 ms } }', '{ at: 9 s, change: { delay: 70 ms } }'),
    ['timeline[1]'],
  )
})

test('a value that a change leaves without use is no mistake, one that it names is', () => {
  assert.deepEqual(pathsOf('{ at: 1 s, for: 1 s, change: { rate: unlimited } }'), [])
  assert.deepEqual(
    pathsOf('{ at: 1 s, for: 1 s, change: { rate: unlimited, queue: 5 packets } }'),
    ['timeline[0].change'],
  )
})

test('a replay names whose first flights are sent once more, and has no duration', () => {
  assert.deepEqual(timelineOf('{ at: 5 s, replay: all }', '{ at: 5 s, replay: 10 % }'), [
    { kind: 'replay', at: 5e9, devices: 1 },
    { kind: 'replay', at: 5e9, devices: 0.1 },
  ])
  assert.equal(pathsOf('{ at: 5 s, for: 2 s, replay: all }').length, 1)
})

test('a drop names direction and packets, of one packet unless it says otherwise', () => {
  assert.deepEqual(
    timelineOf(
      '{ at: 5 s, drop: up }',
      '{ at: 6 s, drop: all, packets: 3, least: 500 B, devices: 10 % }',
    ),
    [
      { kind: 'drop', at: 5e9, direction: 'up', packets: 1, least: 0, devices: 1 },
      { kind: 'drop', at: 6e9, direction: 'both', packets: 3, least: 500, devices: 0.1 },
    ],
  )
})
