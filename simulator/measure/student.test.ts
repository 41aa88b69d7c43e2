import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { studentQuantile, studentTail } from './student.ts'

/** Two-sided critical values as every table prints them: degrees of freedom, 90 %, 95 %, 99 %. */
const TABLE: readonly (readonly [number, number, number, number])[] = [
  [1, 6.314, 12.706, 63.657],
  [2, 2.92, 4.303, 9.925],
  [3, 2.353, 3.182, 5.841],
  [4, 2.132, 2.776, 4.604],
  [5, 2.015, 2.571, 4.032],
  [9, 1.833, 2.262, 3.25],
  [19, 1.729, 2.093, 2.861],
  [30, 1.697, 2.042, 2.75],
  [120, 1.658, 1.98, 2.617],
]

test('the quantiles are those of the printed tables', () => {
  for (const [freedom, ninety, ninetyFive, ninetyNine] of TABLE) {
    assert.ok(Math.abs(studentQuantile(0.9, freedom) - ninety) < 6e-4, `90 % of ${freedom}`)
    assert.ok(Math.abs(studentQuantile(0.95, freedom) - ninetyFive) < 6e-4, `95 % of ${freedom}`)
    assert.ok(Math.abs(studentQuantile(0.99, freedom) - ninetyNine) < 6e-4, `99 % of ${freedom}`)
  }
})

test('one and two degrees of freedom agree with their closed forms', () => {
  for (const t of [0, 0.1, 0.5, 1, 2, 5, 50]) {
    assert.ok(Math.abs(studentTail(t, 1) - (0.5 - Math.atan(t) / Math.PI)) < 1e-13)
    assert.ok(Math.abs(studentTail(t, 2) - (0.5 - t / (2 * Math.sqrt(2 + t * t)))) < 1e-13)
  }
})

test('many degrees of freedom approach the normal distribution', () => {
  assert.ok(Math.abs(studentQuantile(0.95, 1e6) - 1.959964) < 1e-5)
})

test('the quantile inverts the tail', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.01, max: 0.999, noNaN: true }),
      fc.integer({ min: 1, max: 200 }),
      (level, freedom) => {
        const tail = studentTail(studentQuantile(level, freedom), freedom)
        assert.ok(Math.abs(tail - (1 - level) / 2) < 1e-10)
      },
    ),
  )
})
