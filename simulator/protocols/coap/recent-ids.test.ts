import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { SECOND } from '../../core/clock.ts'
import { Random } from '../../core/random.ts'
import { Peers } from './peers.ts'
import { RecentIds } from './recent-ids.ts'

const LIFETIME = 247 * SECOND

test('an ID is a duplicate within its lifetime and new after it', () => {
  const ids = new RecentIds({ slots: 65536 })
  assert.equal(ids.seen(7, LIFETIME, 0), false)
  assert.equal(ids.seen(7, LIFETIME, LIFETIME - SECOND), true)
  assert.equal(ids.has(7, LIFETIME - SECOND), true)
  assert.equal(ids.has(8, 0), false)
  assert.equal(ids.seen(7, LIFETIME, LIFETIME), false)
})

test('the answers are those of a map of expiry times, for any IDs at any times', () => {
  const step = fc.tuple(fc.integer({ min: 0, max: 65535 }), fc.integer({ min: 0, max: 60 }))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const ids = new RecentIds({ slots: 65536 })
      const model = new Map<number, number>()
      let now = 1e15
      for (const [wide, seconds] of steps) {
        now += seconds * SECOND
        // Half of them from a small range, so that IDs come again.
        const id = wide & 1 ? wide : wide & 31
        const duplicate = (model.get(id) ?? -Infinity) > now
        assert.equal(ids.seen(id, LIFETIME, now), duplicate)
        if (!duplicate) model.set(id, now + LIFETIME)
      }
      assert.equal(ids.forgotten, 0)
    }),
  )
})

test('a peer that counts upwards at one message per second takes 256 slots, for ever', () => {
  const allowance = { slots: 65536 }
  const ids = new RecentIds(allowance)
  for (let i = 0; i < 200000; i++)
    assert.equal(ids.seen(i & 0xffff, LIFETIME, i * SECOND), false, `message ${i}`)
  assert.equal(allowance.slots, 65536 - 256)
  ids.release()
  assert.equal(allowance.slots, 65536)
})

test('when the slots are spent, IDs are forgotten and counted instead of memory growing', () => {
  const allowance = { slots: 64 }
  const ids = new RecentIds(allowance)
  for (let id = 0; id < 1000; id++) ids.seen(id, LIFETIME, 0)
  assert.equal(allowance.slots, 0)
  assert.equal(ids.forgotten, 1000 - 64)
})

test('peers are bounded, and silent ones are forgotten at a sweep', () => {
  const peers = new Peers(100, new Random(1))
  assert.equal(peers.deadline(), Infinity)
  for (let key = 0; key < 500; key++) peers.of(key, 0).ids.seen(1, LIFETIME, 0)
  assert.equal(peers.size, 100)
  assert.equal(peers.forgotten, 400)
  assert.equal(peers.deadline(), 60 * SECOND)
  peers.sweep(60 * SECOND)
  assert.equal(peers.size, 100)
  peers.of(499, 240 * SECOND).ids.seen(2, LIFETIME, 240 * SECOND)
  peers.sweep(LIFETIME)
  assert.equal(peers.size, 1)
  peers.drop(499)
  assert.equal(peers.deadline(), Infinity)
})
