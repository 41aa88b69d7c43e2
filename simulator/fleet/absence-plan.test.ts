import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, NEVER, SECOND } from '../core/clock.ts'
import type { Absences } from '../core/types.ts'
import { AbsencePlan } from './absence-plan.ts'

const PLAN = { warmup: 1 * SECOND, t0: 3 * SECOND, t1: 23 * SECOND, end: 30 * SECOND }
const of = (absences: Absences, seed = 7): AbsencePlan => new AbsencePlan(PLAN, absences, seed)
const RECONNECTS = {
  kind: 'reconnects',
  interval: 5 * SECOND,
  together: false,
  close: 'orderly',
} as const
const SLEEP = { kind: 'sleep', awake: 2 * SECOND, asleep: 3 * SECOND, close: 'abrupt' } as const
const CHURN = { kind: 'churn', share: 0.1, every: 1 * SECOND } as const

/** When the device leaves before t1. */
const leaves = (plan: AbsencePlan, device: number): number[] => {
  const found: number[] = []
  for (let k = plan.first(device); plan.leave(device, k) < PLAN.t1; k = plan.next(device, k))
    found.push(plan.leave(device, k))
  return found
}

test('each device reconnects once per interval, at whole milliseconds, from its own instant on', () => {
  const plan = of(RECONNECTS)
  const firsts = new Set<number>()
  for (let d = 0; d < 50; d++) {
    const times = leaves(plan, d)
    firsts.add(times[0] as number)
    assert.ok((times[0] as number) >= PLAN.warmup && (times[0] as number) <= PLAN.warmup + 5e9)
    times.forEach((time, k) => {
      assert.equal(time % MILLISECOND, 0)
      assert.ok(k === 0 || Math.abs(time - (times[k - 1] as number) - 5e9) <= MILLISECOND)
      assert.equal(plan.back(d, k), time)
    })
  }
  assert.ok(firsts.size > 45)
  assert.equal(plan.abrupt, false)
})

test('together they all reconnect half an interval into the window, and never before it', () => {
  const plan = of({ ...RECONNECTS, together: true })
  for (const d of [0, 1, 17])
    assert.deepEqual(
      leaves(plan, d),
      [5.5, 10.5, 15.5, 20.5].map((s) => s * SECOND),
    )
  assert.equal(plan.intended(100), 400)
})

test('a device sleeps for so long in each cycle, and is found asleep exactly then', () => {
  const plan = of(SLEEP)
  assert.equal(plan.abrupt, true)
  for (let d = 0; d < 20; d++) {
    const [first, second] = [plan.leave(d, 0), plan.leave(d, 1)]
    assert.ok(Math.abs(second - first - 5 * SECOND) <= MILLISECOND)
    assert.equal(plan.back(d, 0), first + 3 * SECOND)
    const found = [first - 1, first, first + 3 * SECOND - 1, first + 3 * SECOND, second].map((t) =>
      plan.sleepAt(d, t),
    )
    assert.deepEqual(found, [NaN, 0, 0, NaN, 1])
  }
})

test('as many devices are asleep when the schedule begins as later', () => {
  const plan = of(SLEEP)
  for (const time of [PLAN.warmup + MILLISECOND, PLAN.t0, PLAN.t1]) {
    const sleeps = Array.from({ length: 2000 }, (_, d) => plan.sleepAt(d, time))
    const count = sleeps.filter((k) => !Number.isNaN(k)).length
    // 3 of 5 s, standard deviation 22.
    assert.ok(Math.abs(count - 1200) < 110, `${count} of 2000 at ${time}`)
  }
  for (let d = 0; d < 20; d++) {
    assert.equal(plan.first(d), plan.back(d, -1) > PLAN.warmup ? -1 : 0)
    assert.ok(plan.leave(d, plan.first(d)) >= PLAN.warmup)
  }
})

test('churn takes its share of the devices in every period, other ones each time', () => {
  const plan = of(CHURN)
  const devices = 2000
  const all = Array.from({ length: devices }, (_, d) => leaves(plan, d)).flat()
  // 22 periods of 2 000 devices at 10 %: 4 400, standard deviation 63.
  assert.ok(Math.abs(all.length - 4400) < 5 * 63, `${all.length} absences`)
  for (let period = 0; period < 22; period++) {
    const from = PLAN.warmup + period * SECOND
    const count = all.filter((t) => t > from && t <= from + SECOND).length
    assert.ok(Math.abs(count - 200) < 5 * 13.4, `${count} in period ${period}`)
  }
  assert.equal(plan.abrupt, true)
})

test('connections are counted by the time at which the device is back', () => {
  for (const absences of [RECONNECTS, SLEEP, CHURN]) {
    const plan = of(absences)
    let count = 0
    for (let d = 0; d < 30; d++)
      for (let k = plan.first(d); plan.leave(d, k) < PLAN.t1; k = plan.next(d, k)) {
        const back = plan.back(d, k)
        if (back >= PLAN.t0 && back < PLAN.t1) count++
        assert.equal(plan.measured(back), back >= PLAN.t0 && back < PLAN.t1)
      }
    assert.equal(plan.intended(30), count)
    assert.ok(count > 0)
  }
})

test('the same seed gives the same absences, another one others', () => {
  for (const absences of [RECONNECTS, SLEEP, CHURN]) {
    assert.deepEqual(leaves(of(absences), 3), leaves(of(absences), 3))
    assert.notDeepEqual(leaves(of(absences), 3), leaves(of(absences, 8), 3))
  }
})

test('with a share of nearly nothing there may be no absence, and the search for one ends', () => {
  const plan = of({ ...CHURN, share: 1e-9 })
  assert.ok(plan.leave(0, plan.first(0)) >= PLAN.t1)
  assert.ok(plan.leave(0, plan.first(0)) < NEVER)
})
