import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Random } from '../core/random.ts'
import { designEffect, normalFactor, proportionInterval } from './proportion.ts'

test('normal quantiles are those of the tables', () => {
  assert.ok(Math.abs(normalFactor(0.95) - 1.959963985) < 1e-8)
  assert.ok(Math.abs(normalFactor(0.999) - 3.290526731) < 1e-8)
})

test("Wilson's interval is that of his formula: 10 of 100", () => {
  const { low, high } = proportionInterval(10, 100)
  assert.ok(Math.abs(low - 0.05522914) < 1e-6, String(low))
  assert.ok(Math.abs(high - 0.17436566) < 1e-6, String(high))
})

test('no loss in n still allows 3.84 / (n + 3.84)', () => {
  const { low, high } = proportionInterval(0, 1000)
  assert.ok(low < 1e-15)
  assert.ok(Math.abs(high - 3.8414588 / 1003.8414588) < 1e-8)
})

test('an interval holds its proportion, and a higher level holds a lower one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (n, share) => {
      const count = Math.round(n * share)
      const narrow = proportionInterval(count, n, 0.9)
      const wide = proportionInterval(count, n, 0.999)
      assert.ok(narrow.low <= count / n + 1e-12 && count / n <= narrow.high + 1e-12)
      assert.ok(wide.low <= narrow.low + 1e-12 && narrow.high <= wide.high + 1e-12)
    }),
  ) // prettier-ignore
})

test('independent trials have a design effect near 1, blocks that live or die together one near their size', () => {
  const random = new Random(7)
  const binomial = (): number =>
    Array.from({ length: 20 }, () => (random.uniform() < 0.1 ? 1 : 0)).reduce<number>((a, b) => a + b, 0) // prettier-ignore
  const independent = designEffect(Array.from({ length: 2000 }, binomial), 20)
  assert.ok(independent >= 1 && independent < 1.15, String(independent))
  const together = Array.from({ length: 2000 }, () => (random.uniform() < 0.1 ? 20 : 0))
  const clustered = designEffect(together, 20)
  assert.ok(Math.abs(clustered - 20) < 0.1, String(clustered))
  assert.equal(designEffect([0, 0, 0], 20), 1)
})
