import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND } from '../../core/clock.ts'
import { DOWN, UP } from './channel.ts'
import { bothWays, VirtualLink } from './virtual-link.cases.ts'

const times = (link: VirtualLink): number[] => {
  link.run()
  return link.times().map((time) => Math.round(time / MILLISECOND))
}

test('the directions of a half-duplex link take turns in the order in which packets come', () => {
  const link = new VirtualLink(bothWays({ rate: 8e6 }, { halfDuplex: true }), { devices: 2 })
  link.send(0, 1000, 0, UP)
  link.send(0, 1000, 0, DOWN)
  link.send(0, 1000, 1, DOWN)
  link.send(0, 1000, 0, UP)
  assert.deepEqual(times(link), [1, 2, 1, 3])
})

test('a full-duplex link serves both at once', () => {
  const link = new VirtualLink(bothWays({ rate: 8e6 }))
  link.send(0, 1000, 0, UP)
  link.send(0, 1000, 0, DOWN)
  assert.deepEqual(times(link), [1, 1])
})

test('each direction has its own rate on the shared medium', () => {
  const link = bothWays({ rate: 8e6 }, { halfDuplex: true })
  const uneven = new VirtualLink({ ...link, down: { ...link.down, rate: 4e6 } })
  uneven.send(0, 1000, 0, DOWN)
  uneven.send(0, 1000, 0, UP)
  uneven.send(0, 1000, 0, DOWN)
  assert.deepEqual(times(uneven), [2, 3, 5])
})

test('with CoDel neither direction starves: they take turns while both have packets', () => {
  const codel = { target: 1000 * MILLISECOND, interval: 1000 * MILLISECOND }
  const link = new VirtualLink(bothWays({ rate: 8e6, codel }, { halfDuplex: true }))
  for (let i = 0; i < 6; i++) {
    link.send(i, 1000, 0, UP)
    link.send(i, 1000, 0, DOWN)
  }
  assert.deepEqual(
    times(link),
    Array.from({ length: 12 }, (_, i) => i + 1),
  )
})
