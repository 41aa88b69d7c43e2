import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Random, normalAt } from '../core/random.ts'
import {
  boundOfNone,
  identical,
  mean,
  meanInterval,
  median,
  medianInterval,
  variance,
} from './statistics.ts'

test('the median is the middle, or the mean of the middle two', () => {
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([4, 1, 3, 2]), 2.5)
  assert.ok(Number.isNaN(median([])))
})

test('mean and variance are those of a worked example', () => {
  assert.equal(mean([2, 4, 4, 4, 5, 5, 7, 9]), 5)
  assert.equal(variance([2, 4, 4, 4, 5, 5, 7, 9]), 32 / 7)
})

test('the interval of the median starts at 6 values and carries its exact level', () => {
  assert.equal(medianInterval([1, 2, 3, 4, 5]), null)
  assert.deepEqual(medianInterval([6, 5, 4, 3, 2, 1]), { low: 1, high: 6, level: 1 - 2 / 64 })
  // n = 9: the second of each end, 1 - 2 (1 + 9) / 512.
  const nine = medianInterval([9, 8, 7, 6, 5, 4, 3, 2, 1])
  assert.deepEqual(nine, { low: 2, high: 8, level: 1 - 20 / 512 })
  // n = 20: tables give the 6th of each end at 95.9 %.
  const twenty = medianInterval(Array.from({ length: 20 }, (_, i) => i + 1))
  assert.equal(twenty?.low, 6)
  assert.equal(twenty?.high, 15)
  assert.ok(Math.abs((twenty?.level ?? 0) - 0.9586) < 5e-5)
})

test('the interval of the median holds the median and never promises less than asked', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -1e9, max: 1e9, noNaN: true }), { minLength: 6, maxLength: 60 }),
      (values) => {
        const interval = medianInterval(values)
        assert.ok(interval !== null && interval.level >= 0.95)
        assert.ok(interval.low <= median(values) && median(values) <= interval.high)
      },
    ),
  )
})

test('the interval of the median covers a skewed truth as often as its level says', () => {
  const trials = 4000
  const random = new Random(7)
  let covered = 0
  for (let trial = 0; trial < trials; trial++) {
    const values = Array.from({ length: 8 }, () => -Math.log(1 - random.uniform()))
    const interval = medianInterval(values)
    if (interval && interval.low <= Math.LN2 && Math.LN2 <= interval.high) covered++
  }
  // Level at n = 8 is 99.2 %; 4 000 trials have a standard error of 0.14 %.
  assert.ok(Math.abs(covered / trials - (1 - 2 / 256)) < 0.006, `${covered / trials}`)
})

test('the t interval of logs covers a log-normal ratio in 95 % of the cases at every n', () => {
  const trials = 2000
  for (const n of [3, 6, 10]) {
    let covered = 0
    for (let trial = 0; trial < trials; trial++) {
      const logs = Array.from({ length: n }, (_, i) => 0.3 + 0.5 * normalAt(n, trial, i))
      const interval = meanInterval(logs)
      if (interval && interval.low <= 0.3 && 0.3 <= interval.high) covered++
    }
    // The standard error is 0.5 %.
    assert.ok(Math.abs(covered / trials - 0.95) < 0.02, `n = ${n}: ${covered / trials}`)
  }
})

test('the t interval is the textbook one, and one value has none', () => {
  const interval = meanInterval([10, 12, 14])
  assert.ok(Math.abs((interval?.low ?? 0) - (12 - (4.302653 * 2) / Math.sqrt(3))) < 1e-5)
  assert.ok(Math.abs((interval?.high ?? 0) - (12 + (4.302653 * 2) / Math.sqrt(3))) < 1e-5)
  assert.equal(meanInterval([10]), null)
})

test('identical values are told from close ones, and a single value is no repetition', () => {
  assert.equal(identical([148, 148, 148]), true)
  assert.equal(identical([148, 148, 148.0001]), false)
  assert.equal(identical([148]), false)
})

test('the rule of three bounds a rate that was never seen', () => {
  // The exact 95 % bound solves (1 - r)^n = 0.05.
  const exact = 1 - 0.05 ** (1 / 1000)
  assert.ok(Math.abs(boundOfNone(1000) - exact) < 1e-5)
})
