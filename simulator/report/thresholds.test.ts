import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Threshold } from '../core/types.ts'
import type { SummaryRow } from './summary.ts'
import { crossedThresholds } from './thresholds.ts'

const threshold: Threshold = {
  metric: 'latency.p99',
  stack: null,
  link: 'lan',
  bound: 'below',
  value: 50,
  text: '50 ms',
}
const row = (stack: string, link: string, median: number | null): SummaryRow =>
  ({ metric: 'latency.p99', unit: 'ms', stack, link, median }) as SummaryRow

test('a threshold holds for every group that it selects, or says which one breaks it', () => {
  const rows = [row('a', 'lan', 49.9), row('b', 'lan', 50), row('c', 'lossy', 900)]
  assert.deepEqual(crossedThresholds([threshold], rows), [
    'latency.p99 below 50 ms: it is 50 ms for b on lan',
  ])
  assert.deepEqual(crossedThresholds([{ ...threshold, stack: 'a' }], rows), [])
  assert.equal(crossedThresholds([{ ...threshold, bound: 'above' }], rows).length, 2)
})

test('what was not measured does not hold', () => {
  assert.deepEqual(crossedThresholds([threshold], []), [
    'latency.p99 below 50 ms: nothing was measured',
  ])
  assert.deepEqual(crossedThresholds([threshold], [row('a', 'lan', null)]), [
    'latency.p99 below 50 ms: it has no value for a on lan',
  ])
})
