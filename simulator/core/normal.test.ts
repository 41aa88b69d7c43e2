import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normalAbove } from './normal.ts'

test('the tail of the normal distribution is that of the tables', () => {
  for (const [z, above] of [
    [-1, 0.8413447460685429],
    [0, 0.5],
    [1.6448536269514722, 0.05],
    [3, 1.349898031630095e-3],
    [5, 2.86651571879194e-7],
    [6, 9.865876450376946e-10],
  ] as const)
    assert.ok(Math.abs(normalAbove(z) / above - 1) < 1e-9, `${z}: ${normalAbove(z)}`)
})
