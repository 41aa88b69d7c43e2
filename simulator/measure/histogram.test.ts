import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Histogram } from './histogram.ts'

const HOUR = 3.6e12
/** Spread over magnitudes, as latencies are, with the edges of the layout among them. */
const value = fc.oneof(
  fc.integer({ min: 0, max: 5000 }),
  fc.integer({ min: 0, max: 2 ** 31 - 1 }),
  fc.integer({ min: 0, max: HOUR }),
  fc.constantFrom(0, 2047, 2048, 4095, 4096, 2 ** 32 - 1, 2 ** 32, HOUR),
)
const values = fc.array(value, { minLength: 1, maxLength: 200 })
const fraction = fc.double({ min: 0, max: 1, noNaN: true })

const filled = (data: readonly number[]): Histogram => {
  const histogram = new Histogram()
  for (const x of data) histogram.record(x)
  return histogram
}

test('a quantile is the sorted array’s, at most 1/1024 above it and never below', () => {
  fc.assert(
    fc.property(values, fraction, (data, q) => {
      const sorted = data.toSorted((a, b) => a - b)
      const rank = Math.max(1, Math.ceil(q * data.length * (1 - 1e-12)))
      const exact = sorted[rank - 1] as number
      const found = filled(data).quantile(q) as number
      assert.ok(found >= exact, `${found} is below ${exact}`)
      assert.ok(found - exact <= exact / 1024, `${found} is too far above ${exact}`)
    }),
  )
})

test('count, mean, min and max are exact', () => {
  fc.assert(
    fc.property(values, (data) => {
      const histogram = filled(data)
      assert.equal(histogram.count, data.length)
      assert.equal(histogram.min, Math.min(...data))
      assert.equal(histogram.max, Math.max(...data))
      assert.equal(histogram.mean, data.reduce((sum, x) => sum + x, 0) / data.length)
    }),
  )
})

test('merging is the same as recording everything in one, and JSON keeps it all', () => {
  fc.assert(
    fc.property(values, values, (one, two) => {
      const merged = filled(one).merge(filled(two))
      const read = Histogram.fromJSON(JSON.parse(JSON.stringify(merged)))
      const all = filled([...one, ...two])
      assert.deepEqual(read.toJSON(), all.toJSON())
      for (const q of [0.1, 0.5, 0.99]) {
        assert.equal(merged.quantile(q), all.quantile(q))
        assert.equal(read.quantile(q), all.quantile(q))
      }
    }),
  )
})

test('a cleared histogram is as a new one', () => {
  fc.assert(
    fc.property(values, values, (before, data) => {
      const histogram = filled(before)
      histogram.clear()
      assert.deepEqual(histogram.toJSON(), new Histogram().toJSON())
      for (const x of data) histogram.record(x)
      assert.deepEqual(histogram.toJSON(), filled(data).toJSON())
      for (const q of [0, 0.5, 0.99]) assert.equal(histogram.quantile(q), filled(data).quantile(q))
    }),
  )
})

test('a quantile that falls among the lost is null, and no other one is', () => {
  fc.assert(
    fc.property(values, fc.nat(300), fraction, (data, lost, q) => {
      const rank = Math.max(1, Math.ceil(q * (data.length + lost) * (1 - 1e-12)))
      const found = filled(data).quantileWithLost(q, lost)
      assert.equal(found === null, rank > data.length)
    }),
  )
})

test('with 1 of 100 lost the 99th percentile is the largest delivered value and p99.9 is not known', () => {
  const histogram = filled(Array.from({ length: 99 }, (_, i) => (i + 1) * 1e6))
  assert.equal(histogram.quantileWithLost(0.99, 1), 99e6)
  assert.equal(histogram.quantileWithLost(0.999, 1), null)
})

test('the ecdf rises to 1 without losses and stays below with them', () => {
  fc.assert(
    fc.property(values, fc.nat(50), (data, lost) => {
      const points = filled(data).ecdf(lost)
      for (let i = 1; i < points.length; i++) {
        assert.ok((points[i]?.value ?? 0) > (points[i - 1]?.value ?? 0))
        assert.ok((points[i]?.fraction ?? 0) > (points[i - 1]?.fraction ?? 0))
      }
      assert.equal(points.at(-1)?.fraction, data.length / (data.length + lost))
    }),
  )
})

test('the bucket indices are those of HdrHistogram with 3 significant digits', () => {
  // Worked by hand: 10 000 lies in 8192..16383, width 8: 3 * 1024 + 1250; 1e9 in 2^29.., width 2^19: 19 * 1024 + 1907.
  assert.deepEqual(filled([10_000]).toJSON().counts, [4322, 1])
  assert.deepEqual(filled([1e9, 1e9]).toJSON().counts, [21363, 2])
  assert.deepEqual(filled([2047, 2048, 2049]).toJSON().counts, [2047, 1, 2048, 2])
})

test('a value beyond the range keeps its place as the largest', () => {
  const histogram = filled([1, 1e13, 2e13])
  assert.equal(histogram.quantile(1), 2e13)
  assert.equal(histogram.quantile(0.5), 2e13)
  assert.equal(histogram.max, 2e13)
})

test('an empty histogram has no quantile, no mean and no extremes', () => {
  const histogram = new Histogram()
  assert.equal(histogram.quantile(0.5), null)
  assert.equal(histogram.quantileWithLost(0.5, 10), null)
  assert.equal(histogram.mean, null)
  assert.deepEqual(histogram.ecdf(10), [])
  assert.deepEqual(Histogram.fromJSON(histogram.toJSON()).toJSON(), histogram.toJSON())
})

test('refuses what no clock can give, and JSON that does not add up', () => {
  assert.throws(() => new Histogram().record(-1), RangeError)
  assert.throws(() => new Histogram().record(Number.NaN), RangeError)
  const json = filled([5, 6]).toJSON()
  assert.throws(() => Histogram.fromJSON({ ...json, count: 3 }), RangeError)
  assert.throws(() => Histogram.fromJSON({ ...json, counts: [99999, 2] }), RangeError)
})
