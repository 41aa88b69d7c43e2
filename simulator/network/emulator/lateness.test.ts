import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { MILLISECOND } from '../../core/clock.ts'
import { Lateness } from './lateness.ts'

test('without packets, every quantile is 0', () => {
  assert.equal(new Lateness().quantile(0.99), 0)
})

test('quantiles are within 6 % of the exact ones, and the maximum is exact', () => {
  const values = fc.array(fc.integer({ min: 0, max: 1e12 }), { minLength: 1, maxLength: 200 })
  fc.assert(
    fc.property(values, fc.constantFrom(0.5, 0.99), (all, q) => {
      const lateness = new Lateness()
      for (const value of all) lateness.add(value)
      const sorted = all.toSorted((a, b) => a - b)
      const exact = sorted[Math.ceil(q * all.length) - 1] as number
      assert.ok(Math.abs(lateness.quantile(q) - exact) <= 0.0625 * exact)
      assert.equal(lateness.max, sorted.at(-1))
    }),
  )
})

test('a packet is late when it is handed on more than 1 ms after its time', () => {
  const lateness = new Lateness()
  for (const late of [0, MILLISECOND, MILLISECOND + 1, 5 * MILLISECOND]) lateness.add(late)
  assert.equal(lateness.late, 2)
})

test('what is handed on early counts as in time', () => {
  const lateness = new Lateness()
  lateness.add(-40_000)
  assert.deepEqual([lateness.quantile(0.5), lateness.max, lateness.late], [0, 0, 0])
})
