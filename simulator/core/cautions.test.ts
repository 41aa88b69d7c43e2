import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cautionsOf } from './cautions.ts'
import { CLEAR_DIRECTION, CLEAR_LINK, type LinkProfile, type Loss } from './link-profile.ts'

const link = (loss: Loss): LinkProfile => ({ ...CLEAR_LINK, down: { ...CLEAR_DIRECTION, loss } })

test('a loss that is a function of time is the same for all stacks', () => {
  assert.deepEqual(cautionsOf(CLEAR_LINK), [])
  assert.deepEqual(cautionsOf(link({ kind: 'time', ratio: 0.1, burst: 2e8 })), [])
})

test('a loss that counts packets in either direction is told', () => {
  assert.match(
    cautionsOf(link({ kind: 'packets', ratio: 0.1, burst: 3 })).join(),
    /^The loss of the link clear is counted in packets: a stack/u,
  )
  assert.match(cautionsOf(link({ kind: 'list', packets: [3] })).join(), /is of certain packets: /u)
})
