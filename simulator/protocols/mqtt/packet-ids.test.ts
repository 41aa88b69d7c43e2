import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { PacketIds } from './packet-ids.ts'

test('identifiers run from 1, are never 0, and come round after 65535', () => {
  const ids = new PacketIds()
  for (let i = 0; i < 65_535; i++) {
    assert.equal(ids.take(i, 4), i + 1)
    assert.equal(ids.release(i + 1), i)
  }
  assert.equal(ids.take(7, 4), 1)
})

test('all 65535 identifiers can be in flight, and then no more', () => {
  const ids = new PacketIds()
  const seen = new Set<number>()
  for (let i = 0; i < 65_535; i++) seen.add(ids.take(i, 4))
  assert.equal(seen.size, 65_535)
  assert.equal(ids.size, 65_535)
  assert.throws(() => ids.take(0, 4), RangeError)
  assert.equal(ids.release(40_000), 39_999)
  assert.equal(ids.take(123, 4), 40_000)
})

test('an identifier that is not in flight is not released', () => {
  const ids = new PacketIds()
  assert.equal(ids.release(1), -1)
  const id = ids.take(9, 4)
  assert.equal(ids.release(0), -1)
  assert.equal(ids.release(id + 4), -1, 'the same cell, another identifier')
  assert.equal(ids.release(id), 9)
  assert.equal(ids.release(id), -1)
})

test('an identifier in flight is not given again, while others come and go in any order', () => {
  const steps = fc.array(fc.option(fc.nat(), { freq: 2 }), { maxLength: 400 })
  fc.assert(
    fc.property(steps, (steps) => {
      const ids = new PacketIds()
      const flying = new Map<number, number>()
      let sequence = 0
      for (const step of steps) {
        if (step !== null && flying.size > 0) {
          const id = [...flying.keys()][step % flying.size] as number
          assert.equal(ids.release(id), flying.get(id))
          flying.delete(id)
        } else {
          const id = ids.take(sequence, 5)
          assert.equal(flying.has(id), false)
          assert.ok(id >= 1 && id <= 65_535)
          flying.set(id, sequence++)
        }
        assert.equal(ids.size, flying.size)
      }
    }),
    { numRuns: 100 },
  )
})

test('one identifier that stays in flight does not stop the others from going round', () => {
  const ids = new PacketIds()
  const stuck = ids.take(1, 4)
  for (let i = 0; i < 200_000; i++) {
    const id = ids.take(i, 4)
    assert.notEqual(id, stuck)
    ids.release(id)
  }
  assert.equal(ids.release(stuck), 1)
})

test('what an identifier waits for can change, survives growth, and goes with it', () => {
  const ids = new PacketIds()
  const first = ids.take(100, 5)
  assert.equal(ids.awaited(first), 5)
  ids.waitFor(first, 7)
  for (let i = 0; i < 50; i++) ids.take(i, 4)
  assert.equal(ids.awaited(first), 7)
  assert.equal(ids.awaited(0), 0)
  assert.equal(ids.awaited(60_000), 0)
  assert.equal(ids.bySequence().get(100), first)
  assert.equal(ids.bySequence().size, 51)
  assert.equal(ids.release(first), 100)
  assert.equal(ids.awaited(first), 0)
  ids.clear()
  assert.equal(ids.size, 0)
  assert.equal(ids.bySequence().size, 0)
  assert.notEqual(ids.take(1, 4), first, 'identifiers go on where they were')
})
