/** Poisson and burst arrivals: their distributions, and that whoever asks gets the same. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import type { MessageWorkload } from '../core/types.ts'
import { BurstSchedule } from './schedule-burst.ts'
import { PoissonSchedule } from './schedule-poisson.ts'
import { scheduleOf } from './schedule-of.ts'
import type { Schedule } from './schedule.ts'
import { ConstantSchedule } from './schedule.ts'

const plan = { warmup: 1e9, t0: 3e9, t1: 203e9, end: 210e9 }
const INTERVAL = 50e6
const DEVICES = 20

/** All intended times of a device. */
const times = (schedule: Schedule, device: number): number[] =>
  Array.from({ length: schedule.before(device, plan.t1) }, (_, k) => schedule.intended(device, k))

const gaps = (schedule: Schedule): number[] =>
  Array.from({ length: DEVICES }, (_, device) => {
    const at = [plan.warmup, ...times(schedule, device)]
    return at.slice(1).map((time, k) => time - (at[k] as number))
  }).flat()

test('gaps of Poisson arrivals are exponential (Kolmogorov and Smirnov)', () => {
  const sorted = gaps(new PoissonSchedule(plan, INTERVAL, 5)).toSorted((a, b) => a - b)
  const n = sorted.length
  assert.ok(n > 78_000 && n < 82_000, `${n} messages`)
  let distance = 0
  sorted.forEach((gap, i) => {
    const expected = 1 - Math.exp(-gap / INTERVAL)
    distance = Math.max(distance, Math.abs(expected - i / n), Math.abs(expected - (i + 1) / n))
  })
  // The 0.1 % point of Kolmogorov's distribution.
  assert.ok(distance < 1.95 / Math.sqrt(n), `distance ${distance}`)
})

test('the numbers of messages in stretches of one interval are Poisson distributed (chi-square)', () => {
  const schedule = new PoissonSchedule(plan, INTERVAL, 6)
  const stretches = (plan.t1 - plan.warmup) / INTERVAL
  const counts = [0, 0, 0, 0, 0, 0]
  for (let device = 0; device < DEVICES; device++) {
    let before = 0
    for (let i = 1; i <= stretches; i++) {
      const now = schedule.before(device, plan.warmup + i * INTERVAL)
      const bin = Math.min(now - before, counts.length - 1)
      counts[bin] = (counts[bin] as number) + 1
      before = now
    }
  }
  const n = DEVICES * stretches
  // 1/e x (1, 1, 1/2, 1/6, 1/24), and the rest.
  const shares = [1, 1, 1 / 2, 1 / 6, 1 / 24].map((factor) => factor / Math.E)
  shares.push(1 - shares.reduce((a, b) => a + b))
  const chi = counts.reduce((sum, count, i) => {
    const expected = n * (shares[i] as number)
    return sum + (count - expected) ** 2 / expected
  }, 0)
  assert.ok(chi < 20.5, `chi-square ${chi}`) // 5 degrees of freedom, p = 0.001
})

test('gaps of one device do not tell those of the next', () => {
  const schedule = new PoissonSchedule(plan, INTERVAL, 7)
  const first = times(schedule, 0)
  const second = times(schedule, 1)
  const together = first.filter((time) => second.includes(time))
  assert.deepEqual(together, [])
})

test('whoever asks, in whatever order, gets the same Poisson schedule to the bit', () => {
  const one = new PoissonSchedule(plan, INTERVAL, 8)
  const other = new PoissonSchedule(plan, INTERVAL, 8)
  for (let device = 9; device >= 0; device--) other.intended(device, 1000 - device)
  for (let device = 0; device < 10; device++)
    assert.deepEqual(times(one, device), times(other, device))
  assert.notDeepEqual(times(one, 0), times(new PoissonSchedule(plan, INTERVAL, 9), 0))
})

test('Poisson arrivals from 100 ms on are at whole milliseconds, and their mean stays', () => {
  const schedule = new PoissonSchedule(plan, 200e6, 3)
  const all = Array.from({ length: 100 }, (_, device) => times(schedule, device))
  assert.ok(all.flat().every((time) => time % 1e6 === 0))
  const mean = all.flat().length / 100
  assert.ok(Math.abs(mean - 1010) < 5 * Math.sqrt(1010 / 100), `${mean} messages each`)
})

test('there is no Poisson message at or after t1, so no number makes the schedule run away', () => {
  const schedule = new PoissonSchedule(plan, INTERVAL, 2)
  const n = schedule.before(0, plan.t1)
  assert.ok(schedule.intended(0, n - 1) < plan.t1)
  for (const sequence of [n, n + 1, 64 ** 8 - 1])
    assert.ok(schedule.intended(0, sequence) >= plan.t1)
})

test('a burst is so many messages at one instant, as often as keeps the mean gap', () => {
  const schedule = new BurstSchedule(plan, 200e6, 10, 4)
  const at = times(schedule, 3)
  const instants = [...new Set(at)]
  for (const instant of instants) assert.equal(at.filter((time) => time === instant).length, 10)
  for (const [i, instant] of instants.entries())
    if (i > 0) assert.equal(instant - (instants[i - 1] as number), 2e9)
  // 202 s in bursts of 10 every 2 s.
  assert.ok(at.length === 1010 || at.length === 1000 || at.length === 1020, `${at.length}`)
})

const workload = (more: Partial<MessageWorkload>): MessageWorkload => ({
  name: 'x',
  kind: 'telemetry',
  interval: 1e9,
  arrivals: 'constant',
  payload: 8,
  ...more,
})

test('before counts exactly the messages intended before a time, whatever the arrivals', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('constant' as const, 'poisson' as const, { burst: 3 }),
      fc.nat(100),
      fc.integer({ min: 10e6, max: 2e9 }),
      fc.double({ min: 0, max: 4e9, noNaN: true }),
      fc.integer(),
      (arrivals, device, interval, after, seed) => {
        const short = { warmup: 1e9, t0: 2e9, t1: 5e9, end: 6e9 }
        const schedule = scheduleOf(workload({ arrivals, interval }), short, seed)
        const n = schedule.before(device, short.warmup + after)
        assert.ok(n === 0 || schedule.intended(device, n - 1) < short.warmup + after)
        assert.ok(schedule.intended(device, n) >= short.warmup + after)
      },
    ),
  )
})

test('each kind of arrivals has its schedule, and what is said to all is due for all at once', () => {
  assert.ok(scheduleOf(workload({}), plan, 1) instanceof ConstantSchedule)
  assert.ok(scheduleOf(workload({ arrivals: 'poisson' }), plan, 1) instanceof PoissonSchedule)
  assert.ok(scheduleOf(workload({ arrivals: { burst: 2 } }), plan, 1) instanceof BurstSchedule)
  const common = scheduleOf(workload({ kind: 'fan-out' }), plan, 1)
  const own = scheduleOf(workload({ kind: 'command' }), plan, 1)
  assert.equal(common.intended(0, 3), common.intended(77, 3))
  assert.equal(common.before(0, plan.t1), common.before(77, plan.t1))
  assert.notEqual(own.intended(0, 3), own.intended(77, 3))
})
