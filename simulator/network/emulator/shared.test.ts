import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, NEVER } from '../../core/clock.ts'
import { CLEAR_LINK } from '../../core/link-profile.ts'
import { DOWN, UP } from './channel.ts'
import { shape } from './profile.cases.ts'
import { bothWays, VirtualLink } from './virtual-link.cases.ts'

const times = (link: VirtualLink): number[] => {
  link.run()
  return link.times().map((time) => time / MILLISECOND)
}

const tower = { rate: 8e6, queue: null }

test('packets of all devices leave a shared bottleneck one after the other', () => {
  const shared = { up: tower, down: tower }
  const link = new VirtualLink(bothWays({}, { shared }), { devices: 3 })
  for (const direction of [UP, DOWN] as const)
    for (const device of [0, 1, 2]) link.send(0, 1000, device, direction)
  assert.deepEqual(times(link), [1, 2, 3, 1, 2, 3])
})

test('the other direction does not meet it, if it is not asked for', () => {
  const link = new VirtualLink(bothWays({}, { shared: { up: tower, down: null } }), { devices: 2 })
  for (const direction of [UP, DOWN] as const)
    for (const device of [0, 1]) link.send(0, 1000, device, direction)
  assert.deepEqual(times(link), [1, 2, 0, 0])
})

test('up, packets come to it in the order in which they have crossed their own links', () => {
  const timeline = [
    { kind: 'change' as const, at: 0, for: null, up: { delay: 5e6 }, down: {}, devices: 0.5 },
  ]
  const shared = { up: tower, down: null }
  const link = new VirtualLink(bothWays({ delay: 1e6 }, { shared }), { devices: 2, timeline })
  link.emulator.plan(0, 0, 1e9)
  link.send(0, 1000, 0)
  link.send(1e6, 1000, 1)
  link.send(1.5e6, 1000, 1)
  link.send(3.5e6, 1000, 1)
  // Device 0 comes there at 5 ms, behind the packet that came at 4.5 ms.
  assert.deepEqual(times(link), [6.5, 3, 4, 5.5])
})

test('down, they cross it before their own links', () => {
  const shared = { up: null, down: tower }
  const down = shape({ rate: 4e6, delay: 10e6 })
  const link = new VirtualLink({ ...CLEAR_LINK, down, shared }, { devices: 2 })
  for (const device of [0, 0, 1]) link.send(0, 1000, device, DOWN)
  // From the tower at 1, 2 and 3 ms; 2 ms each on the own link, and 10 ms.
  assert.deepEqual(times(link), [13, 15, 15])
})

test('its queue is one for all', () => {
  const queue = { limit: 2500, unit: 'bytes' as const }
  const shared = { up: { rate: 8e6, queue }, down: null }
  const link = new VirtualLink(bothWays({}, { shared }), { devices: 3 })
  for (const device of [0, 1, 2, 1]) link.send(0, 1000, device)
  link.send(1e6, 500, 2)
  assert.deepEqual(times(link), [1, 2, NEVER, NEVER, 2.5])
  assert.equal(link.account().overflowed, 2)
})

test('5 000 devices behind one bottleneck are served at its rate exactly', () => {
  const shared = { up: tower, down: null }
  const link = new VirtualLink(bothWays({ delay: 20e6 }, { shared }), { devices: 5000 })
  for (let i = 0; i < 1500; i++) link.send(0, 1000, 3 * i)
  assert.deepEqual(
    times(link),
    Array.from({ length: 1500 }, (_, i) => 20 + i + 1),
  )
})
