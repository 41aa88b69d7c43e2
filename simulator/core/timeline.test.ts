import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND } from './clock.ts'
import type { TimelineEvent } from './link-profile.ts'
import { devicesOf, edgesBySecond, edgesOf, eventName } from './timeline.ts'

const blackout: TimelineEvent = {
  kind: 'blackout',
  at: 5 * SECOND,
  for: 2 * SECOND,
  direction: 'both',
  devices: 1,
}
const change: TimelineEvent = {
  kind: 'change',
  at: 7 * SECOND,
  for: null,
  up: { delay: 0 },
  down: {},
  devices: 0.5,
}
const rebind: TimelineEvent = {
  kind: 'rebind',
  at: 5.5 * SECOND,
  policy: 'drop',
  to: 'port',
  devices: 0.125,
}

test('edges come in order of time, and at one instant what ends before what begins', () => {
  const edges = edgesOf([change, blackout, rebind])
  assert.deepEqual(
    edges.map(({ at, event, begins }) => [at / SECOND, event.kind, begins]),
    [
      [5, 'blackout', true],
      [5.5, 'rebind', true],
      [7, 'blackout', false],
      [7, 'change', true],
    ],
  )
})

test('an event names its direction and its share of devices, without a comma', () => {
  const cases: [TimelineEvent, string][] = [
    [blackout, 'blackout'],
    [{ ...blackout, direction: 'down' }, 'blackout down'],
    [change, 'change (50 % of devices)'],
    [rebind, 'rebind port drop (12.5 % of devices)'],
  ]
  for (const [event, name] of cases) assert.equal(eventName(event), name)
})

test('seconds count from warm-up, as those of intervals.csv', () => {
  assert.deepEqual(
    [...edgesBySecond([blackout, change, rebind], 2.6 * SECOND)],
    [
      [7, ['blackout begins']],
      [8, ['rebind port drop (12.5 % of devices)']],
      [9, ['blackout ends', 'change (50 % of devices) begins']],
    ],
  )
})

test('an event meets the nearest whole number of devices, and never none', () => {
  const cases: [share: number, devices: number, expected: number][] = [
    [1, 7, 7],
    [0.5, 7, 4],
    [0.7, 10, 7],
    [0.01, 10, 1],
  ]
  for (const [share, devices, expected] of cases)
    assert.equal(devicesOf({ ...blackout, devices: share }, devices), expected)
})
