import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIntervals } from './intervals.ts'

const OLD = 'second,delivered,latency_p50_ns,latency_p99_ns,latency_max_ns'

test('seconds are read with and without the column of events', () => {
  assert.deepEqual(parseIntervals(`${OLD}\n3,7,1500,2,3\n`), [{ second: 3, delivered: 7, p50: 1500 }]) // prettier-ignore
  assert.deepEqual(parseIntervals(`${OLD},events\n3,0,,,,blackout begins\n4,1,5,5,5,\n`), [
    { second: 3, delivered: 0, p50: null },
    { second: 4, delivered: 1, p50: 5 },
  ])
})

test('a header alone is no second', () => {
  assert.deepEqual(parseIntervals(`${OLD}\n`), [])
})
