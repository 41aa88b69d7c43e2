import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fromNormal } from './distribution.ts'

/** The integral of `density` from `from` to `to` (Simpson). */
const integral = (density: (x: number) => number, from: number, to: number): number => {
  const steps = 4000
  const width = (to - from) / steps
  let sum = density(from) + density(to)
  for (let i = 1; i < steps; i++) sum += density(from + i * width) * (i % 2 === 1 ? 4 : 2)
  return (sum * width) / 3
}

const normalDensity = (z: number): number => Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI)

test('every distribution has mean 0 and deviation 1, but for what the cut takes from the normal one', () => {
  for (const [distribution, deviation] of [
    ['normal', 0.9975],
    ['uniform', 1],
    ['pareto', 1],
  ] as const) {
    const moment = (power: number): number =>
      integral((z) => normalDensity(z) * fromNormal(distribution, z) ** power, -7, 7)
    assert.ok(Math.abs(moment(1)) < 1e-4, `${distribution}: mean ${moment(1)}`)
    assert.ok(Math.abs(Math.sqrt(moment(2)) - deviation) < 1e-4, `${distribution}: ${moment(2)}`)
  }
})

test('each is where its formula puts it', () => {
  const at = (distribution: 'normal' | 'uniform' | 'pareto', z: number): number =>
    Number(fromNormal(distribution, z).toFixed(4))
  assert.deepEqual([at('normal', -4), at('normal', 1.25), at('normal', 9)], [-3, 1.25, 3])
  assert.deepEqual([at('uniform', -9), at('uniform', 0), at('uniform', 9)], [-1.7321, 0, 1.7321])
  // The median of pareto is 2^(1/3) = 1.2599 (mean 1.4989, deviation 0.8126 with the cut), and the cut lies at 10^(4/3).
  assert.deepEqual(
    [at('pareto', -9), at('pareto', 0), at('pareto', 9)],
    [-0.6139, -0.2941, 24.6668],
  )
})
