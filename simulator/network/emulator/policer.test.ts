import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, SECOND } from '../../core/clock.ts'
import { Policer } from './policer.ts'

/** How many of `count` packets, `gap` apart from `start` on, pass. */
const passed = (policer: Policer, count: number, gap: number, start = 0, device = 0): number => {
  let sum = 0
  for (let i = 0; i < count; i++) if (policer.passes(device, start + i * gap)) sum++
  return sum
}

test('of packets that come at once, as many as the burst pass', () => {
  const policer = new Policer({ rate: 29, burst: 29 }, 2)
  assert.equal(passed(policer, 100, 0), 29)
  assert.equal(passed(policer, 100, 0, 0, 1), 29)
})

test('at twice the rate, half of all pass, beside the burst', () => {
  const policer = new Policer({ rate: 100, burst: 10 }, 1)
  assert.equal(passed(policer, 2000, 5 * MILLISECOND), 10 + 999)
})

test('at the rate, all pass', () => {
  assert.equal(passed(new Policer({ rate: 50, burst: 1 }, 1), 1000, SECOND / 50), 1000)
})

test('a pause refills the bucket, and no more', () => {
  const policer = new Policer({ rate: 10, burst: 5 }, 1)
  passed(policer, 100, 0)
  assert.equal(passed(policer, 100, 0, 0.25 * SECOND), 2)
  assert.equal(passed(policer, 100, 0, 100 * SECOND), 5)
})
