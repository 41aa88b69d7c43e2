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

test('quiche with another congestion control than bbr is told of where packets are lost, and only there', () => {
  const quic = { engine: 'quiche', streams: 'single', resumption: false, earlyData: false, group: 'X25519' } as const // prettier-ignore
  const stacks = (['bbr', 'cubic', 'reno'] as const).map((congestion) => ({
    name: `quic-${congestion}`,
    quic: { ...quic, congestion },
  }))
  const loss = link({ kind: 'time', ratio: 0.01, burst: 0 })
  const told = cautionsOf({ ...loss, stacks })
  assert.deepEqual(
    told.map((text) => text.split(' ')[0]),
    ['quic-cubic', 'quic-reno'],
  )
  assert.deepEqual(cautionsOf({ links: [CLEAR_LINK], timeline: [], stacks }), [])
  const change = { kind: 'change', at: 0, for: null, devices: 1, up: {} } as const
  const later = { ...change, down: { loss: { kind: 'time', ratio: 0.1, burst: 0 } } } as const
  assert.equal(cautionsOf({ links: [CLEAR_LINK], timeline: [later], stacks }).length, 2)
})
