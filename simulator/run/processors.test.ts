import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assignProcessors, parseProcessorList } from './processors.ts'

test('a list of ranges is read', () => {
  assert.deepEqual(parseProcessorList('0-2,5\n'), [0, 1, 2, 5])
  assert.deepEqual(parseProcessorList('3'), [3])
})

test('one processor: nothing is pinned; two: the server alone; four: each alone', () => {
  assert.deepEqual(assignProcessors([0]), { server: null, fleet: null, link: null, consumer: null })
  assert.deepEqual(assignProcessors([0, 1]), { server: 0, fleet: 1, link: 1, consumer: 1 })
  assert.deepEqual(assignProcessors([2, 3, 6]), { server: 2, fleet: 3, link: 3, consumer: 3 })
  assert.deepEqual(assignProcessors([0, 1, 2, 3]), { server: 0, fleet: 1, link: 2, consumer: 3 })
})
