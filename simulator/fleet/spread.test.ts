import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Spread } from './spread.ts'

test('the spread is from the first to the last of all devices, in whatever order they are told', () => {
  const spread = new Spread(3)
  for (const at of [1_000_500, 1_000_000, 1_000_700]) spread.received(4, at)
  for (const at of [2_000_000, 2_000_100, 2_000_100]) spread.received(5, at)
  const h = spread.histogram()
  assert.deepEqual([h.count, h.min, h.max], [2, 100, 700])
})

test('a message that did not reach every device has none', () => {
  const spread = new Spread(3)
  spread.received(0, 1)
  spread.received(0, 2)
  assert.equal(spread.histogram().count, 0)
})
