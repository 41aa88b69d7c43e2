import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { normalAt } from '../core/random.ts'
import { type Pair, compare, relevanceOf, signFlip } from './paired.ts'

const pairsOf = (values: readonly number[], baselines: readonly number[]): Pair[] =>
  values.map((value, i) => ({ value, baseline: baselines[i] as number }))

const close = (found: number | null | undefined, expected: number, tolerance = 1e-6): void => {
  assert.ok(Math.abs((found ?? Number.NaN) - expected) < tolerance, `${found} is not ${expected}`)
}

const LATENCY = relevanceOf('ms')

test('the sign-flip test counts every pattern exactly', () => {
  // Six of one sign: only all plus and all minus are as extreme.
  assert.equal(signFlip([1, 2, 3, 4, 5, 6]), 2 / 64)
  assert.equal(signFlip([1, 1, 1]), 2 / 8)
  // 3, 2, -1: sums 6 4 2 0 and their negatives; as extreme as 4 are 6, 4, -4, -6.
  assert.equal(signFlip([3, 2, -1]), 4 / 8)
  assert.equal(signFlip([0, 0, 0, 0]), 1)
})

test('the sampled sign-flip test agrees with the exact one and does not depend on the run', () => {
  const steps = Array.from({ length: 17 }, (_, i) => 0.4 + normalAt(3, i))
  const p = signFlip(steps)
  assert.equal(p, signFlip(steps))
  const exact = signFlip(steps.slice(0, 16))
  assert.ok(p > 0 && p < 1 && Math.abs(p - exact) < 0.2)
})

test('without an effect the sign-flip test says so 5 % of the time', () => {
  let rejected = 0
  const trials = 1000
  for (let trial = 0; trial < trials; trial++) {
    if (signFlip(Array.from({ length: 8 }, (_, i) => normalAt(11, trial, i))) < 0.05) rejected++
  }
  // Exactly 12 of 256 patterns: 4.7 %; the standard error is 0.7 %.
  assert.ok(Math.abs(rejected / trials - 12 / 256) < 0.025, `${rejected / trials}`)
})

test('a ratio comes from the logs of the pairs, with the worked interval', () => {
  const found = compare(pairsOf([20, 44, 90], [10, 20, 40]), LATENCY)
  const logs = [Math.log(2), Math.log(2.2), Math.log(2.25)]
  const centre = (logs[0]! + logs[1]! + logs[2]!) / 3
  const spread = Math.sqrt(logs.reduce((sum, x) => sum + (x - centre) ** 2, 0) / 2)
  close(found.ratio, Math.exp(centre))
  close(found.ratioInterval?.low, Math.exp(centre - (4.302653 * spread) / Math.sqrt(3)), 1e-5)
  close(found.ratioInterval?.high, Math.exp(centre + (4.302653 * spread) / Math.sqrt(3)), 1e-5)
  close(found.difference, 28)
})

test('two pairs give nothing, three to five are preliminary, six can be a claim', () => {
  const baselines = [40, 41, 42, 43, 44, 45]
  const values = baselines.map((b, i) => b * 1.5 + i * 0.1)
  const strengths = [2, 3, 5, 6].map(
    (n) => compare(pairsOf(values.slice(0, n), baselines.slice(0, n)), LATENCY).strength,
  )
  assert.deepEqual(strengths, ['few', 'preliminary', 'preliminary', 'claim'])
  assert.equal(compare(pairsOf(values.slice(0, 2), baselines.slice(0, 2)), LATENCY).ratio, null)
})

test('an effect under the relevance limit is no claim, however certain', () => {
  const baselines = [40, 41, 42, 43, 44, 45]
  const values = baselines.map((b, i) => b + 0.3 + i * 0.001)
  const found = compare(pairsOf(values, baselines), LATENCY)
  assert.ok((found.ratioInterval?.low ?? 0) > 1)
  assert.equal(found.strength, 'unclear')
  assert.equal(compare(pairsOf(values, baselines), relevanceOf('B')).strength, 'claim')
})

test('CPU must differ by a tenth', () => {
  const baselines = [100, 101, 99, 100, 102, 98]
  const by = (factor: number): string =>
    compare(
      pairsOf(
        baselines.map((b, i) => b * factor + i * 0.01),
        baselines,
      ),
      relevanceOf('us'),
    ).strength
  assert.equal(by(1.08), 'unclear')
  assert.equal(by(1.12), 'claim')
})

test('one repetition against the others keeps an effect from being a claim', () => {
  const found = compare(pairsOf([50, 50, 50, 50, 50, 30], [40, 40, 40, 40, 40, 40]), LATENCY)
  assert.equal(found.strength, 'unclear')
  assert.ok((found.p ?? 0) > 0.05)
})

test('identical byte counts are exact: an interval without width', () => {
  const found = compare(pairsOf(Array(6).fill(231), Array(6).fill(181)), relevanceOf('B'))
  assert.equal(found.exact, true)
  assert.equal(found.strength, 'claim')
  assert.equal(found.difference, 50)
  assert.deepEqual(found.differenceInterval, { low: 50, high: 50, level: 1 })
  close(found.ratioInterval?.low, 231 / 181)
  close(found.ratioInterval?.high, 231 / 181)
  const same = compare(pairsOf(Array(6).fill(181), Array(6).fill(181)), relevanceOf('B'))
  assert.equal(same.strength, 'unclear')
  assert.equal(same.relevant, false)
})

test('a baseline of zero has a difference but no ratio', () => {
  const found = compare(pairsOf([80, 82, 81, 83, 79, 80], Array(6).fill(0)), LATENCY)
  assert.equal(found.ratio, null)
  assert.equal(found.strength, 'claim')
  close(found.difference, 485 / 6)
})

test('pairing gains what both sides have in common', () => {
  const common = Array.from({ length: 12 }, (_, i) => Math.exp(normalAt(5, i)))
  const pairs = common.map((c, i) => ({
    value: 60 * c * Math.exp(0.05 * normalAt(6, i)),
    baseline: 40 * c,
  }))
  assert.ok((compare(pairs, LATENCY).pairingGain ?? 0) > 50)
})

test('a comparison turned around is its inverse', () => {
  const positive = fc.double({ min: 0.01, max: 1e6, noNaN: true })
  fc.assert(
    fc.property(fc.array(fc.tuple(positive, positive), { minLength: 3, maxLength: 9 }), (data) => {
      const there = compare(
        data.map(([value, baseline]) => ({ value, baseline })),
        relevanceOf('B'),
      )
      const back = compare(
        data.map(([baseline, value]) => ({ value, baseline })),
        relevanceOf('B'),
      )
      close((there.ratio ?? 0) * (back.ratio ?? 0), 1, 1e-9)
      const product = (there.ratioInterval?.low ?? 0) * (back.ratioInterval?.high ?? 0)
      close(product, 1, 1e-9)
      close(there.p, back.p ?? 0, 1e-12)
    }),
  )
})
