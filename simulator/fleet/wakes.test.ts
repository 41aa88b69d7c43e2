import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, SECOND } from '../core/clock.ts'
import { decodeDoubles } from '../core/doubles.ts'
import type { Workload } from '../core/types.ts'
import { Histogram } from '../measure/histogram.ts'
import { AbsencePlan } from './absence-plan.ts'
import { ConstantSchedule } from './schedule.ts'
import { wakesOf, type Wakes } from './wakes.ts'

const PLAN = { warmup: 0, t0: 10 * SECOND, t1: 30 * SECOND, end: 50 * SECOND }
const SLEEP = { kind: 'sleep', awake: 2 * SECOND, asleep: 8 * SECOND, close: 'orderly' } as const
const SEED = 5
const workload = (interval: number): Workload => ({
  name: 'telemetry',
  kind: 'telemetry',
  interval,
  arrivals: 'constant',
  payload: 20,
  absences: SLEEP,
})

const world = (interval: number) => {
  const schedule = new ConstantSchedule(PLAN, interval, SEED)
  const plan = new AbsencePlan(PLAN, SLEEP, SEED)
  const wakes = wakesOf(workload(interval), schedule, SEED, 1) as Wakes
  /** The first message that becomes due in the first sleep whose wake-up is measured, and that wake-up. */
  let k = plan.first(0)
  while (!plan.measured(plan.back(0, k))) k++
  const wakeUp = plan.back(0, k)
  const first = schedule.before(0, plan.leave(0, k))
  const last = schedule.before(0, wakeUp) - 1
  return { wakes, plan, schedule, wakeUp, first, last, k }
}

test('the first message of a sleep to arrive counts from the wake-up, and no other', () => {
  const { wakes, wakeUp, first } = world(1 * SECOND)
  assert.deepEqual([wakes.report().awaited], [2])
  wakes.received(0, first, wakeUp + 120 * MILLISECOND)
  wakes.received(0, first + 1, wakeUp + 121 * MILLISECOND)
  const { awaited, firstDelivery, spans } = wakes.report()
  const series = Histogram.fromJSON(firstDelivery)
  assert.deepEqual([awaited, series.count], [2, 1])
  assert.ok(Math.abs((series.max ?? 0) - 120 * MILLISECOND) < MILLISECOND)
  assert.deepEqual([...decodeDoubles(spans)], [0, wakeUp, wakeUp + 120 * MILLISECOND])
})

test('a message that became due while the device was awake says nothing about a wake-up', () => {
  const { wakes, plan, schedule, k } = world(100 * MILLISECOND)
  const awake = schedule.before(0, plan.back(0, k))
  assert.equal(plan.sleepAt(0, schedule.intended(0, awake)), NaN)
  wakes.received(0, awake, plan.back(0, k) + SECOND)
  assert.equal(Histogram.fromJSON(wakes.report().firstDelivery).count, 0)
})

test('a message that a device sends before it falls asleep is none of those that wait', () => {
  const { wakes, wakeUp, first } = world(1 * SECOND)
  wakes.received(0, first, wakeUp - 7 * SECOND)
  wakes.received(0, first + 1, wakeUp + 50 * MILLISECOND)
  const { awaited, firstDelivery } = wakes.report()
  assert.equal(awaited, 2)
  const { max } = Histogram.fromJSON(firstDelivery)
  assert.ok(Math.abs((max ?? 0) - 50 * MILLISECOND) < MILLISECOND)
})

test('a device that did not go to sleep had no wake-up', () => {
  const { wakes, wakeUp, first, last } = world(1 * SECOND)
  for (let sequence = first; sequence <= last; sequence++)
    wakes.received(0, sequence, wakeUp - SECOND)
  wakes.received(0, last + 1, wakeUp + SECOND)
  const { awaited, firstDelivery } = wakes.report()
  assert.deepEqual([awaited, Histogram.fromJSON(firstDelivery).count], [1, 0])
})

test('nothing is awaited of a wake-up before which nothing became due, or outside the window', () => {
  const schedule = new ConstantSchedule(PLAN, 1000 * SECOND, SEED)
  assert.ok((wakesOf(workload(1000 * SECOND), schedule, SEED, 1)?.report().awaited ?? 9) <= 1)
  const { absences: _none, ...stays } = workload(SECOND) as Extract<Workload, { kind: 'telemetry' }>
  assert.equal(wakesOf(stays, schedule, SEED, 1), null)
})
