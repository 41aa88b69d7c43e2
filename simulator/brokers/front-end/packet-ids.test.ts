import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { StreamPacketIds } from './packet-ids.ts'

test('a client of one stream keeps its identifiers', () => {
  const ids = new StreamPacketIds()
  for (const id of [1, 7, 65_535]) assert.equal(ids.outward(0, id), id)
  assert.equal(ids.outward(0, 7), 7, 'the same flight again: a copy, or PUBREL')
  assert.equal(ids.size, 3)
  ids.release(7)
  assert.equal(ids.owner(7), undefined)
  assert.equal(ids.outward(0, 7), 7)
})

test('an identifier that two streams use at once is another one for the second', () => {
  const ids = new StreamPacketIds()
  assert.equal(ids.outward(0, 1), 1)
  assert.equal(ids.outward(4, 1), 65_535)
  assert.equal(ids.outward(8, 1), 65_534)
  assert.equal(ids.outward(4, 1), 65_535)
  assert.deepEqual(ids.owner(65_535), { stream: 4, id: 1 })
  ids.release(65_535)
  assert.equal(ids.outward(0, 65_535), 65_535)
  assert.equal(ids.outward(4, 2), 2)
})

test('when all are in flight there is none', () => {
  const ids = new StreamPacketIds()
  for (let id = 1; id <= 65_535; id++) ids.outward(0, id)
  assert.equal(ids.outward(4, 9), 0)
  ids.release(1234)
  assert.equal(ids.outward(4, 9), 1234)
})

test('no two flights share an identifier, and each comes back to its stream as it left', () => {
  const steps = fc.array(fc.tuple(fc.nat(3), fc.integer({ min: 1, max: 5 }), fc.boolean()))
  fc.assert(
    fc.property(steps, (steps) => {
      const ids = new StreamPacketIds()
      const flying = new Map<string, number>()
      for (const [stream, id, ends] of steps) {
        const name = `${stream}/${id}`
        const given = ids.outward(stream * 4, id)
        assert.ok(given >= 1 && given <= 65_535)
        assert.equal(flying.get(name) ?? given, given)
        flying.set(name, given)
        assert.equal(new Set(flying.values()).size, flying.size)
        assert.deepEqual(ids.owner(given), { stream: stream * 4, id })
        if (!ends) continue
        ids.release(given)
        flying.delete(name)
      }
      assert.equal(ids.size, flying.size)
    }),
  )
})
