import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND } from '../../core/clock.ts'
import { channelOf } from './chance.cases.ts'
import { Corrupt, INTACT } from './corrupt.ts'
import { assertChiSquare, assertWithin, deviationOfFraction } from './theory.cases.ts'

const bits = (ratio: number, length: number, count: number): number[] => {
  const corrupt = new Corrupt(channelOf({ seed: 17 }), ratio)
  return Array.from({ length: count }, (_, i) => corrupt.bit(2, i * MILLISECOND, length))
}

test('as many packets are corrupted as asked for', () => {
  for (const ratio of [0.01, 0.4]) {
    const found = bits(ratio, 100, 200_000).filter((bit) => bit !== INTACT).length / 200_000
    assertWithin(found, ratio, deviationOfFraction(ratio, 200_000), `${ratio}`)
  }
})

test('any bit behind the first 28 bytes can be the one, each as likely as another', () => {
  const counts = new Float64Array(24)
  for (const bit of bits(1, 31, 100_000)) counts[bit - 28 * 8]! += 1
  assertChiSquare(
    counts,
    Array.from({ length: 24 }, () => 1 / 24),
    'bits',
  )
})

test('where nothing follows the first 28 bytes, the bit is in them', () => {
  const found = bits(1, 28, 10_000)
  assert.ok(found.every((bit) => Number.isInteger(bit) && bit >= 0 && bit < 28 * 8))
  assert.equal(new Set(found).size, 28 * 8)
})
