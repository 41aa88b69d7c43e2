import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MICROSECOND, MILLISECOND, SECOND } from '../../core/clock.ts'
import type { DirectionProfile } from '../../core/link-profile.ts'
import { channelOf } from './chance.cases.ts'
import { Delay } from './delay.ts'
import { shape } from './profile.cases.ts'
import { assertWithin } from './theory.cases.ts'

const delayOf = (changes: Partial<DirectionProfile>): Delay =>
  new Delay(channelOf({ seed: 13 }), shape(changes))

/** When the packets of device 1 arrive that depart `gap` apart. */
const arrivals = (delay: Delay, count: number, gap: number, from = 0): number[] =>
  Array.from({ length: count }, (_, i) => delay.arrival(1, from + i * gap))

const isRising = (times: readonly number[]): boolean =>
  times.every((time, i) => i === 0 || time >= (times[i - 1] as number))

test('without jitter, every packet takes the mean delay', () => {
  const delay = delayOf({ delay: 50 * MILLISECOND })
  assert.deepEqual(arrivals(delay, 3, SECOND), [50e6, 1050e6, 2050e6])
})

test('packets keep their order, and none arrives before it departs', () => {
  for (const distribution of ['normal', 'uniform', 'pareto'] as const) {
    const delay = delayOf({ delay: MILLISECOND, jitter: 5 * MILLISECOND, distribution })
    const times = arrivals(delay, 20_000, 100 * MICROSECOND)
    assert.ok(isRising(times))
    assert.ok(times.every((time, i) => time >= i * 100 * MICROSECOND))
  }
})

test('with overtaking, each packet has an extra delay of its own, and packets overtake', () => {
  const profile = { delay: 50 * MILLISECOND, jitter: 5 * MILLISECOND, overtaking: true }
  const times = arrivals(delayOf(profile), 10_000, MILLISECOND)
  assert.ok(!isRising(times))
  // Of two packets 1 ms apart, whose extra delays differ by sqrt(2) x 5 ms, the second is earlier with 44.4 %.
  const overtaken = times.filter((time, i) => i > 0 && time < (times[i - 1] as number)).length
  assertWithin(overtaken / 10_000, 0.4438, 0.005, 'overtaken')
})

test('reordering holds a fraction of packets back, and others keep their order among themselves', () => {
  const by = 20 * MILLISECOND
  const [mean, gap, count] = [50 * MILLISECOND, 3 * MILLISECOND, 20_000]
  const delay = delayOf({ delay: mean, reorder: { ratio: 0.1, by } })
  const times = arrivals(delay, count, gap)
  const held = times.filter((time, i) => time === i * gap + mean + by).length
  assertWithin(held / count, 0.1, Math.sqrt(0.09 / count), 'held back')
  assert.equal(times.filter((time, i) => time === i * gap + mean).length, count - held)
})

test('reordering under jitter: those not held back are where they would be without', () => {
  const profile = { delay: 20 * MILLISECOND, jitter: 4 * MILLISECOND }
  const plain = arrivals(delayOf(profile), 5000, MILLISECOND)
  const by = 30 * MILLISECOND
  const held = arrivals(delayOf({ ...profile, reorder: { ratio: 0.2, by } }), 5000, MILLISECOND)
  const late = held.filter((time, i) => time !== plain[i])
  assertWithin(late.length / 5000, 0.2, Math.sqrt(0.16 / 5000), 'held back')
  for (const [i, time] of held.entries()) {
    const longer = time - (plain[i] as number)
    assert.ok(longer === 0 || Math.abs(longer - by) < 1 * MILLISECOND, `${longer}`)
  }
})

test('delay and jitter can change for some devices, which later meet the old ones again', () => {
  const profile = { delay: 20 * MILLISECOND, jitter: 2 * MILLISECOND }
  const [plain, changed] = [delayOf(profile), delayOf(profile)]
  changed.change(1, 2, 80 * MILLISECOND, 0)
  assert.deepEqual(arrivals(changed, 2, MILLISECOND), [80 * MILLISECOND, 81 * MILLISECOND])
  assert.equal(changed.arrival(0, 0), plain.arrival(0, 0))
  assert.equal(changed.arrival(2, 0), plain.arrival(2, 0))
  changed.change(1, 2, 20 * MILLISECOND, 2 * MILLISECOND)
  assert.deepEqual(
    arrivals(changed, 100, 7 * MILLISECOND, SECOND),
    arrivals(plain, 100, 7 * MILLISECOND, SECOND),
  )
})

test('a packet of a link that became faster does not overtake those under way', () => {
  const delay = delayOf({ delay: 500 * MILLISECOND })
  assert.equal(delay.arrival(0, 0), 500 * MILLISECOND)
  delay.change(0, 3, 10 * MILLISECOND, 0)
  assert.equal(delay.arrival(0, MILLISECOND), 500 * MILLISECOND)
  assert.equal(delay.arrival(0, SECOND), 1010 * MILLISECOND)
})
