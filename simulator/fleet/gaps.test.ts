import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND } from '../core/clock.ts'
import { Gaps } from './gaps.ts'

const PLAN = { warmup: 0, t0: 1 * SECOND, t1: 11 * SECOND, end: 20 * SECOND }

const near = (actual: number | null, seconds: number): void =>
  assert.ok(actual !== null && Math.abs(actual / SECOND - seconds) < 0.01, `${actual}`)

test('each device has the longest time between two receipts', () => {
  const gaps = new Gaps(PLAN, 2)
  for (let at = 1; at <= 11; at++) {
    gaps.received(0, at * SECOND)
    if (at < 4 || at > 7) gaps.received(1, at * SECOND)
  }
  const found = gaps.report()
  assert.equal(found.count, 2)
  near(found.min, 1)
  near(found.max, 5)
})

test('the window begins and ends a gap: silence to the end of it counts', () => {
  const gaps = new Gaps(PLAN, 3)
  gaps.received(0, 4 * SECOND)
  for (const at of [7, 8]) gaps.received(1, at * SECOND)
  const found = gaps.report()
  near(found.min, 6)
  near(found.quantile(0.5), 7)
  near(found.max, 10)
})

test('a receipt after the window ends a gap of its full length', () => {
  const gaps = new Gaps(PLAN, 1)
  gaps.received(0, 10 * SECOND)
  gaps.received(0, 23 * SECOND)
  near(gaps.report().max, 13)
})
