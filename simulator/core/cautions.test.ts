import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cautionsOf } from './cautions.ts'
import { CLEAR_DIRECTION, CLEAR_LINK, type Loss } from './link-profile.ts'

const link = (loss: Loss) => ({
  links: [{ ...CLEAR_LINK, down: { ...CLEAR_DIRECTION, loss } }],
  timeline: [],
})

test('a loss that is a function of time is the same for all stacks', () => {
  assert.deepEqual(cautionsOf({ links: [CLEAR_LINK], timeline: [] }), [])
  assert.deepEqual(cautionsOf(link({ kind: 'time', ratio: 0.1, burst: 2e8 })), [])
})

test('a loss that counts packets in either direction is told', () => {
  assert.match(
    cautionsOf(link({ kind: 'packets', ratio: 0.1, burst: 3 })).join(),
    /^The loss of the link clear is counted in packets: a stack/u,
  )
  assert.match(cautionsOf(link({ kind: 'list', packets: [3] })).join(), /is of certain packets: /u)
})

test('so is one that the timeline brings', () => {
  const change = { kind: 'change', at: 0, for: null, devices: 1, up: {} } as const
  const timeline = [
    { ...change, down: { loss: { kind: 'packets', ratio: 0.1, burst: 3 } } } as const,
    { ...change, down: { delay: 1e6 } } as const,
  ]
  assert.match(
    cautionsOf({ links: [CLEAR_LINK], timeline }).join(),
    /^The loss that the timeline brings is counted in packets: a stack[^:]*$/u,
  )
})
