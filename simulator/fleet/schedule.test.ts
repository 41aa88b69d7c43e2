import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { ConstantSchedule } from './schedule.ts'

const plan = { warmup: 1e9, t0: 3e9, t1: 8e9, end: 9e9 }

test('deadlines are absolute: interval apart for ever, first within one interval of warm-up', () => {
  const schedule = new ConstantSchedule(plan, 250e6, 42)
  const first = schedule.intended(7, 0)
  assert.ok(first >= plan.warmup && first < plan.warmup + 250e6)
  assert.ok(Math.abs(schedule.intended(7, 1000) - first - 1000 * 250e6) < 1)
})

test('phases of devices are spread uniformly', () => {
  const schedule = new ConstantSchedule(plan, 1e9, 1)
  const phases = Array.from(
    { length: 10_000 },
    (_, d) => (schedule.intended(d, 0) - plan.warmup) / 1e9,
  )
  const mean = phases.reduce((a, b) => a + b) / phases.length
  assert.ok(Math.abs(mean - 0.5) < 0.015, `mean ${mean}`) // 5 standard errors
  const buckets = Array.from({ length: 10 }, () => 0)
  for (const p of phases) buckets[Math.min(9, Math.floor(p * 10))]!++
  const chi = buckets.reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0)
  assert.ok(chi < 27.9, `chi-square ${chi}`) // 9 degrees of freedom, p = 0.001
})

test('messages are intended at whole milliseconds, unless the interval is short', () => {
  const anyPlan = { ...plan, warmup: 1e9 + 123_456 }
  fc.assert(
    fc.property(
      fc.nat(5000),
      fc.nat(1000),
      fc.integer({ min: 1, max: 2e9 }),
      (device, k, interval) => {
        const rounded = new ConstantSchedule(anyPlan, interval, 9).intended(device, k)
        if (interval >= 100e6) assert.equal(rounded % 1e6, 0)
        assert.ok(rounded >= anyPlan.warmup)
      },
    ),
  )
  const short = new ConstantSchedule(anyPlan, 99e6, 9)
  assert.ok([0, 1, 2, 3, 4].some((device) => short.intended(device, 0) % 1e6 !== 0))
})

test('the schedule is the same for the same seed and another for another', () => {
  assert.equal(
    new ConstantSchedule(plan, 1e9, 5).intended(3, 2),
    new ConstantSchedule(plan, 1e9, 5).intended(3, 2),
  )
  assert.notEqual(
    new ConstantSchedule(plan, 1e9, 5).intended(3, 2),
    new ConstantSchedule(plan, 1e9, 6).intended(3, 2),
  )
})

test('before counts exactly the messages intended before a time', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 5000 }),
      fc.integer({ min: 1, max: 2_000_000_000 }),
      fc.double({ min: 0, max: 2e10, noNaN: true }),
      fc.integer(),
      (device, interval, after, seed) => {
        const schedule = new ConstantSchedule(plan, interval, seed)
        const time = plan.warmup + Math.min(after, interval * 500)
        const n = schedule.before(device, time)
        assert.ok(n === 0 || schedule.intended(device, n - 1) < time)
        assert.ok(schedule.intended(device, n) >= time)
      },
    ),
  )
})
