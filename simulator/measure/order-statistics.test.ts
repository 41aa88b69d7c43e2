import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Random } from '../core/random.ts'
import { quantileInterval, quantileOf } from './order-statistics.ts'

test('a quantile is the value at or below which at least that share lies', () => {
  const values = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
  assert.deepEqual(
    [0, 0.05, 0.1, 0.11, 0.5, 0.95, 1].map((q) => quantileOf(values, q)),
    [1, 1, 1, 2, 5, 10, 10],
  )
  assert.ok(Number.isNaN(quantileOf([], 0.5)))
})

test('of 95 % intervals for a quantile, about 95 % hold it', () => {
  const random = new Random(3)
  for (const q of [0.05, 0.5, 0.95]) {
    let held = 0
    for (let i = 0; i < 1000; i++) {
      const sample = Float64Array.from({ length: 200 }, () => random.uniform()).sort()
      const { low, high } = quantileInterval(sample, q)
      if (low <= q && q <= high) held++
    }
    assert.ok(held >= 930 && held < 1000, `${held} of 1000 at ${q}`)
  }
})
