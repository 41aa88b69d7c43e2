import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND } from '../../core/clock.ts'
import type { ChangeableValues, TimelineEvent } from '../../core/link-profile.ts'
import { DOWN, UP } from './channel.ts'
import { Happenings, type Changeable } from './happenings.ts'

const DEVICES = 10
const T0 = 100 * SECOND

const blackout = (changes: Partial<TimelineEvent & { kind: 'blackout' }> = {}): TimelineEvent => ({
  kind: 'blackout',
  at: 5 * SECOND,
  for: 2 * SECOND,
  direction: 'both',
  devices: 1,
  ...changes,
})
const change = (changes: Partial<TimelineEvent & { kind: 'change' }>): TimelineEvent => ({
  kind: 'change',
  at: 0,
  for: null,
  up: {},
  down: {},
  devices: 1,
  ...changes,
})

/** Notes what it is told, as `first-end values @second`. */
class Note implements Changeable {
  readonly notes: string[] = []
  change(first: number, end: number, values: ChangeableValues, at: number): void {
    this.notes.push(`${first}-${end} ${JSON.stringify(values)} @${(at - T0) / SECOND}`)
  }
}

const make = (timeline: TimelineEvent[], plans = true) => {
  const up = new Note()
  const happenings = new Happenings(timeline, DEVICES, {
    nat: null,
    directions: [up, new Note()],
    replay: (devices, at) => up.notes.push(`replay of ${devices} @${(at - T0) / SECOND}`),
  })
  if (plans) happenings.plan(T0)
  /** Which of the first, the fifth and the sixth device are dark, at so many seconds from t0. */
  const dark = (seconds: number, direction: typeof UP | typeof DOWN = UP): string => {
    happenings.advance(T0 + seconds * SECOND)
    return [0, 4, 5]
      .map((device) => Number(happenings.loses(device, direction, true, 100)))
      .join('')
  }
  return { happenings, up, dark }
}

test('a blackout holds from its begin until its end', () => {
  const { dark } = make([blackout()])
  assert.deepEqual(
    [0, 4.999, 5, 6.999, 7, 99].map((second) => dark(second)),
    ['000', '000', '111', '111', '000', '000'],
  )
})

test('one without an end holds until the run is over', () => {
  const { dark } = make([blackout({ for: null })])
  assert.deepEqual([dark(4), dark(1000)], ['000', '111'])
})

test('nothing happens before the plan is known', () => {
  const { happenings } = make([blackout()], false)
  happenings.advance(1e6 * SECOND)
  assert.equal(happenings.loses(0, UP, true, 100), false)
})

test('a blackout of one direction, or of some devices, leaves the rest alone', () => {
  const { dark } = make([blackout({ direction: 'down', devices: 0.5 })])
  assert.equal(dark(5, UP), '000')
  assert.equal(dark(5, DOWN), '110')
})

test('of two blackouts at a time, the one that lasts goes on', () => {
  const { dark } = make([
    blackout({ devices: 0.5, for: 10 * SECOND }),
    blackout({ at: 6 * SECOND, for: SECOND }),
  ])
  assert.deepEqual([dark(5), dark(6), dark(7), dark(15)], ['110', '111', '110', '000'])
})

test('what a long silence held is carried out in order, as of its own time', () => {
  const { happenings, up } = make([
    change({ at: SECOND, for: SECOND, up: { delay: 1 } }),
    change({ at: 3 * SECOND, up: { delay: 2 } }),
  ])
  happenings.advance(T0 + 60 * SECOND)
  assert.deepEqual(up.notes, ['0-10 {"delay":1} @1', '0-10 {} @2', '0-10 {"delay":2} @3'])
})

test('only the named values change, and of changes that name the same the later one counts', () => {
  const { happenings, up } = make([
    change({ at: 0, for: 9 * SECOND, up: { delay: 1, rate: 5 } }),
    change({ at: SECOND, for: SECOND, up: { delay: 2 }, devices: 0.5 }),
  ])
  happenings.advance(T0 + 60 * SECOND)
  assert.deepEqual(up.notes, [
    '0-5 {"delay":1,"rate":5} @0',
    '5-10 {"delay":1,"rate":5} @0',
    '0-5 {"delay":2,"rate":5} @1',
    '5-10 {"delay":1,"rate":5} @1',
    '0-5 {"delay":1,"rate":5} @2',
    '5-10 {"delay":1,"rate":5} @2',
    '0-5 {} @9',
    '5-10 {} @9',
  ])
})

test('a replay happens once, as of its own time', () => {
  const { happenings, up } = make([
    { kind: 'replay', at: 2 * SECOND, devices: 0.3 },
    { kind: 'replay', at: 3 * SECOND, devices: 1 },
  ])
  happenings.advance(T0 + SECOND)
  assert.deepEqual(up.notes, [])
  for (const at of [9, 10]) happenings.advance(T0 + at * SECOND)
  assert.deepEqual(up.notes, ['replay of 3 @2', 'replay of 10 @3'])
})

test('the next packets that carry something are lost, of each device and direction so many', () => {
  const { happenings } = make([
    { kind: 'drop', at: SECOND, direction: 'up', packets: 2, least: 0, devices: 0.5 },
    { kind: 'drop', at: 2 * SECOND, direction: 'both', packets: 1, least: 0, devices: 0.1 },
  ])
  const lost = (device: number, direction: typeof UP | typeof DOWN, carries = true) =>
    happenings.loses(device, direction, carries, 100)
  happenings.advance(T0)
  assert.equal(lost(0, UP), false)
  happenings.advance(T0 + SECOND)
  assert.deepEqual([lost(0, UP, false), lost(0, DOWN), lost(5, UP)], [false, false, false])
  assert.deepEqual([lost(4, UP), lost(4, UP), lost(4, UP)], [true, true, false])
  happenings.advance(T0 + 2 * SECOND)
  assert.deepEqual([lost(0, UP), lost(0, UP)], [true, false])
  assert.deepEqual([lost(0, DOWN), lost(0, DOWN), lost(1, DOWN)], [true, false, false])
})

test('a drop of packets from a size on lets smaller ones pass, and does not count them', () => {
  const { happenings } = make([
    { kind: 'drop', at: SECOND, direction: 'up', packets: 2, least: 500, devices: 0.1 },
  ])
  happenings.advance(T0 + SECOND)
  const fates = [100, 500, 499, 900, 900].map((length) => happenings.loses(0, UP, true, length))
  assert.deepEqual(fates, [false, true, false, true, false])
})
