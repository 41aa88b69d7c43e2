import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { Window } from './window.ts'

test('behaves like a map that keeps the first instant', () => {
  const step = fc.record({
    put: fc.boolean(),
    sequence: fc.integer({ min: 0, max: 200 }),
    at: fc.nat(),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const window = new Window()
      const model = new Map<number, number>()
      for (const { put, sequence, at } of steps) {
        if (put) {
          window.put(sequence, at)
          if (!model.has(sequence)) model.set(sequence, at)
        } else {
          assert.equal(window.take(sequence), model.get(sequence) ?? NaN)
          model.delete(sequence)
        }
        assert.equal(window.size, model.size)
        assert.equal(window.has(sequence), model.has(sequence))
      }
      assert.deepEqual(
        window.sequences(),
        [...model.keys()].sort((a, b) => a - b),
      )
    }),
  )
})
