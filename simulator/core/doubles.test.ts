import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { decodeDoubles, encodeDoubles } from './doubles.ts'

test('numbers come back as they were, also from the middle of an array', () => {
  fc.assert(
    fc.property(fc.float64Array(), fc.nat(5), (values, start) => {
      const some = values.subarray(start)
      assert.deepEqual(decodeDoubles(encodeDoubles(some)), Float64Array.from(some))
    }),
  )
})
