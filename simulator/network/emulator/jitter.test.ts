import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, SECOND } from '../../core/clock.ts'
import { channelOf } from './chance.cases.ts'
import { Delay } from './delay.ts'
import { normalAbove } from '../../core/normal.ts'
import { RUN } from './epochs.ts'
import { Jitter } from './jitter.ts'
import { shape } from './profile.cases.ts'
import { assertDistribution, assertWithin, correlation } from './theory.cases.ts'

const DISTRIBUTIONS = ['normal', 'uniform', 'pareto'] as const
type Distribution = (typeof DISTRIBUTIONS)[number]

/** Pareto of exponent 3, cut at its 0.9999 quantile: mean and deviation, by formulas of their own. */
const CUT = 1e4 ** (1 / 3)
const MEAN = 1.5 - 1 / (2 * CUT * CUT)
const DEVIATION = Math.sqrt(3 - 2 / CUT - MEAN * MEAN)

/** Distribution functions and quantiles of mean 0 and deviation 1. */
const BELOW: Readonly<Record<Distribution, (value: number) => number>> = {
  normal: (value) => 1 - normalAbove(value),
  uniform: (value) => 0.5 + value / Math.sqrt(12),
  pareto: (value) => 1 - (MEAN + DEVIATION * value) ** -3,
}
const QUANTILES = [0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 0.998]
const NORMAL_QUANTILES = [-2.326348, -1.281552, -0.67449, 0, 0.67449, 1.281552, 2.326348, 2.878162]
const QUANTILE: Readonly<Record<Distribution, (q: number) => number>> = {
  normal: (q) => NORMAL_QUANTILES[QUANTILES.indexOf(q)] as number,
  uniform: (q) => Math.sqrt(12) * (q - 0.5),
  pareto: (q) => ((1 - q) ** (-1 / 3) - MEAN) / DEVIATION,
}

/** Of this deviation, knots lie on every slot of 10 ms. */
const DEVIATION_ASKED = 0.5 * MILLISECOND
const KNOTS = 10 * MILLISECOND
const KEY = channelOf({ seed: 3 }).key(0, RUN)

/** What lies at the fraction `x` between knots, of `count` pairs of knots that share none. */
const between = (distribution: Distribution, x: number, count = 20_000): number[] => {
  const jitter = new Jitter(DEVIATION_ASKED, distribution)
  return Array.from(
    { length: count },
    (_, i) => jitter.at(KEY, (2 * i + x) * KNOTS) / DEVIATION_ASKED,
  )
}

for (const distribution of DISTRIBUTIONS) {
  test(`${distribution}: the distribution is the one asked for at every instant`, () => {
    for (const x of [0, 0.1, 0.3, 0.5, 0.8]) {
      assertDistribution(between(distribution, x), BELOW[distribution], `${distribution} at ${x}`)
    }
  })

  test(`${distribution}: a packet's own extra delay has the quantiles of its formula, mean 0 and deviation 1`, () => {
    const jitter = new Jitter(SECOND, distribution)
    const count = 300_000
    const values = Float64Array.from(
      { length: count },
      (_, i) => jitter.ofPacket(KEY, i >> 3, i & 7) / SECOND,
    )
    for (const q of QUANTILES) {
      const below = values.reduce((n, v) => n + (v <= QUANTILE[distribution](q) ? 1 : 0), 0) / count
      assertWithin(below, q, Math.sqrt((q * (1 - q)) / count), `${distribution} p${100 * q}`)
    }
    const mean = values.reduce((a, b) => a + b, 0) / count
    const squares = values.reduce((a, b) => a + b * b, 0) / count
    assertWithin(mean, 0, 1 / Math.sqrt(count), `mean of ${distribution}`)
    // Squares of the heavy tail vary by 12 times as much as those of normal values.
    const varies = distribution === 'pareto' ? 17 : 1.5
    const expected = distribution === 'normal' ? 0.995 : 1
    assertWithin(squares, expected, varies / Math.sqrt(count), `variance of ${distribution}`)
  })

  test(`${distribution}: dense traffic that keeps its order meets the distribution asked for, however long the extra delay`, () => {
    const delay = new Delay(
      channelOf({ seed: 5 }, 1000),
      shape({ delay: SECOND, jitter: 100 * MILLISECOND, distribution }),
    )
    const values: number[] = []
    for (let device = 0; device < 1000; device++) {
      for (let now = 0; now <= 600 * MILLISECOND; now += 2 * MILLISECOND) {
        const arrival = delay.arrival(device, now)
        if (now === 600 * MILLISECOND) values.push((arrival - now - SECOND) / 100 / MILLISECOND)
      }
    }
    assertDistribution(values, BELOW[distribution], distribution)
  })
}

test('two instants between the same knots are as alike as the knots they share', () => {
  for (const [one, other] of [
    [0, 0.5],
    [0.25, 0.75],
    [0.4, 0.5],
    [0, 1],
  ] as const) {
    const length = (x: number): number => Math.sqrt((1 - x) ** 2 + x ** 2)
    const expected = ((1 - one) * (1 - other) + one * other) / length(one) / length(other)
    const found = correlation(between('normal', one), between('normal', other))
    assertWithin(found, expected, 1 / Math.sqrt(20_000), `${one} and ${other}`)
  }
})

test('three knots apart, extra delays have nothing to do with each other', () => {
  const values = between('normal', 0.3)
  const found = correlation(values.slice(0, -2), values.slice(2))
  assertWithin(found, 0, 1 / Math.sqrt(values.length), 'correlation')
})

test('extra delay varies continuously, across knots too', () => {
  for (const distribution of DISTRIBUTIONS) {
    const jitter = new Jitter(DEVIATION_ASKED, distribution)
    let before = jitter.at(KEY, 0)
    for (let at = 0; at < 200 * KNOTS; at += KNOTS / 1000) {
      const now = jitter.at(KEY, at)
      // In a thousandth of the way between knots, and pareto at its steepest.
      assert.ok(Math.abs(now - before) < 0.5 * DEVIATION_ASKED, `${distribution} at ${at}`)
      before = now
    }
  }
})

test('a deviation of nothing is no extra delay', () => {
  const jitter = new Jitter(0, 'normal')
  assert.equal(jitter.at(KEY, 123), 0)
  assert.equal(jitter.ofPacket(KEY, 1, 2), 0)
})
