import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, SECOND } from '../../core/clock.ts'
import { DOWN, UP } from './channel.ts'
import { arrivals, bothWays, VirtualLink } from './virtual-link.cases.ts'

const wake = { delay: 2 * SECOND, inactivity: 10 * SECOND }

/** Seconds after which packets that go as given, at seconds, leave. */
const times = (
  packets: readonly (readonly [now: number, direction: 0 | 1])[],
  changes: Parameters<typeof bothWays>[0] = {},
): number[] => {
  const link = new VirtualLink(bothWays(changes, { wake }))
  for (const [now, direction] of packets) link.send(now * SECOND, 1000, 0, direction)
  link.run()
  return link.times().map((time) => time / SECOND)
}

test('the first packet, and those that come meanwhile in either direction, wait until the radio is connected', () => {
  const packets = [
    [1, UP],
    [2, DOWN],
    [2.5, UP],
    [3.5, DOWN],
  ] as const
  assert.deepEqual(times(packets), [3, 3, 3, 3.5])
})

test('a packet in either direction keeps the radio connected; after the inactivity it is idle', () => {
  const packets = [
    [0, UP],
    [11, DOWN],
    [20.5, UP],
    [30.6, DOWN],
  ] as const
  assert.deepEqual(times(packets), [2, 11, 20.5, 32.6])
})

test('inactivity counts from the end of the last transmission', () => {
  // 1 000 bytes take 8 s.
  const packets = [
    [0, UP],
    [19.5, UP],
    [38, UP],
  ] as const
  assert.deepEqual(times(packets, { rate: 1000 }), [10, 27.5, 48])
})

test('a packet that is lost on the air has roused the radio', () => {
  const loss = { kind: 'list' as const, packets: [1] }
  const [, second = 0] = times(
    [
      [0, UP],
      [3, UP],
    ],
    { loss },
  )
  assert.equal(second, 3)
})

test('a packet that the policer drops has not', () => {
  const packets = [[0, 100] as const, [MILLISECOND, 100] as const]
  const policer = { rate: 1, burst: 1 }
  const link = new VirtualLink(bothWays({ policer }, { wake }))
  for (const [now, length] of packets) link.send(now, length)
  link.run()
  assert.deepEqual(link.times(), [2 * SECOND, Infinity])
  assert.deepEqual(arrivals({ policer }, packets), [0, Infinity])
})
