import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND } from '../../core/clock.ts'
import { MessageIds } from './message-ids.ts'

const LIFETIME = 247 * SECOND

test('message IDs count upwards from their start and wrap from 65535 to 0', () => {
  const ids = new MessageIds(65534)
  const taken = [0, 1, 2, 3].map(() => ids.take(0, LIFETIME))
  assert.deepEqual(taken, [65534, 65535, 0, 1])
})

test('no message ID is used again within its lifetime, whatever the start, as fast as they are given', () => {
  for (const start of [0, 1, 4095, 40000, 65535]) {
    const ids = new MessageIds(start)
    const last = new Float64Array(65536).fill(-Infinity)
    let now = 0
    let most = 0
    for (let i = 0; i < 150000; i++) {
      now = Math.max(now, ids.availableAt())
      const id = ids.take(now, LIFETIME)
      assert.ok(now - (last[id] as number) >= LIFETIME, `ID ${id} again at ${now}`)
      last[id] = now
      most = Math.max(most, now)
    }
    // 150 000 IDs are at most three rounds: they wait for two lifetimes, and no longer.
    assert.equal(most, 2 * LIFETIME)
  }
})

test('a longer lifetime among shorter ones holds its block back', () => {
  const ids = new MessageIds(0)
  ids.take(0, LIFETIME)
  for (let i = 1; i < 65536; i++) ids.take(0, 145 * SECOND)
  assert.equal(ids.availableAt(), LIFETIME)
})
