import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NONE, PacketPool } from './pool.ts'

test('a copy has the packet, and all that is known of it, in a slot of its own', () => {
  const pool = new PacketPool({ address: 0, bytes: new Uint8Array(12) }, 3, 4)
  const slot = pool.take()
  pool.slab.bytes.set([1, 2, 3], pool.offset(slot))
  pool.length[slot] = 3
  pool.row[slot] = 17
  pool.order[slot] = 5
  pool.device[slot] = 2
  const copy = pool.copy(slot)
  assert.notEqual(copy, slot)
  const from = pool.offset(copy)
  assert.deepEqual([...pool.slab.bytes.subarray(from, from + 4)], [1, 2, 3, 0])
  const known = [pool.length, pool.row, pool.order, pool.device].map((column) => column[copy])
  assert.deepEqual(known, [3, 17, 5, 2])
})

test('when all slots are in flight there is none, and no copy', () => {
  const pool = new PacketPool({ address: 0, bytes: new Uint8Array(1) }, 1, 1)
  const slot = pool.take()
  assert.equal(pool.take(), NONE)
  assert.equal(pool.copy(slot), NONE)
  pool.give(slot)
  assert.equal(pool.take(), slot)
})
