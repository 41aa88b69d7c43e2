import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { MILLISECOND, SECOND } from '../../core/clock.ts'
import type { DirectionIndex } from './channel.ts'
import { CASES, tracesOf, type Case } from './impairments.cases.ts'
import { VirtualLink } from './virtual-link.cases.ts'

interface Packet {
  readonly now: number
  readonly length: number
  readonly device: number
  readonly direction: DirectionIndex
}

const DEVICES = 3
const traffic = fc
  .array(
    fc.record({
      gap: fc.integer({ min: 0, max: 20 * MILLISECOND }),
      // So long that no bit of the name is flipped.
      length: fc.integer({ min: 29, max: 1500 }),
      device: fc.nat(DEVICES - 1),
      direction: fc.constantFrom<DirectionIndex>(0, 1),
      // Trains fill queues.
      count: fc.constantFrom(1, 1, 2, 12),
    }),
    { minLength: 1, maxLength: 30 },
  )
  .map((trains) => {
    let now = 0
    return trains.flatMap(({ gap, count, ...packet }): Packet[] => {
      now += gap
      return Array.from({ length: count }, () => ({ now, ...packet }))
    })
  })

const linkOf = ({ link, timeline = [] }: Case, seed: number): VirtualLink => {
  const setting = { devices: DEVICES, seed, timeline, traces: tracesOf(link) }
  const virtual = new VirtualLink(link, setting)
  virtual.emulator.plan(0, 0, SECOND)
  return virtual
}

const carry = (each: Case, packets: readonly Packet[], seed: number): VirtualLink => {
  const virtual = linkOf(each, seed)
  for (const { now, length, device, direction } of packets)
    virtual.send(now, length, device, direction)
  virtual.account()
  virtual.run()
  return virtual
}

const conserves = (virtual: VirtualLink, packets: readonly Packet[]): void => {
  // That nothing is missing while packets are inside is checked by account() itself.
  const account = virtual.account()
  const { arrived, duplicated, delivered, lost, overflowed, queued } = account
  assert.equal(arrived, packets.length)
  assert.equal(queued, 0)
  assert.equal(arrived + duplicated, delivered + lost + overflowed)
  assert.equal(virtual.exits.length, delivered)
  assert.equal(virtual.pool.free, virtual.pool.slots)
}

const keepsOrder = (virtual: VirtualLink, packets: readonly Packet[]): void => {
  const latest = new Map<string, number>()
  for (const { name, direction } of virtual.exits) {
    const line = `${packets[name]?.device} ${direction}`
    assert.ok(name >= (latest.get(line) ?? 0), `packet ${name} of ${line}`)
    latest.set(line, name)
  }
}

for (const each of CASES) {
  test(`${each.name}: no packet appears, disappears, is early, or out of order, whatever the traffic`, () => {
    fc.assert(
      fc.property(traffic, fc.integer(), (packets, seed) => {
        const virtual = carry(each, packets, seed)
        conserves(virtual, packets)
        for (const { name, at, direction } of virtual.exits) {
          const { delay, jitter } = each.link[direction === 0 ? 'up' : 'down']
          const least = jitter === 0 && each.timeline === undefined ? delay : 0
          assert.ok(at >= (packets[name]?.now as number) + least)
        }
        if (each.reorders !== true) keepsOrder(virtual, packets)
      }),
      { numRuns: 15 },
    )
  })

  test(`${each.name}: what becomes of packets hangs neither on when the link is looked at, nor on the other run`, () => {
    fc.assert(
      fc.property(traffic, fc.integer(), (packets, seed) => {
        const late = linkOf(each, seed)
        for (const { now, length, device, direction } of packets)
          late.put(now, length, device, direction)
        late.run()
        assert.deepEqual(late.times(), carry(each, packets, seed).times())
      }),
      { numRuns: 10 },
    )
  })

  if (each.shares === true) continue
  test(`${each.name}: a device does not notice the others`, () => {
    fc.assert(
      fc.property(traffic, fc.integer(), (packets, seed) => {
        const alone = packets.filter(({ device }) => device === 1)
        const among = carry(each, packets, seed)
          .times()
          .filter((_, i) => packets[i]?.device === 1)
        assert.deepEqual(carry(each, alone, seed).times(), among)
      }),
      { numRuns: 10 },
    )
  })
}

/** Eight packets of various lengths every 8 ms, from all devices both ways. */
const STEADY: readonly Packet[] = Array.from({ length: 400 }, (_, i) => ({
  now: Math.floor(i / 8) * 8 * MILLISECOND,
  length: 29 + ((i * 97) % 1400),
  device: i % DEVICES,
  direction: ((i >> 1) % 2) as DirectionIndex,
}))

const overtaken = (virtual: VirtualLink): number => {
  const latest = new Map<string, number>()
  return virtual.exits.filter(({ name, direction }) => {
    const line = `${STEADY[name]?.device} ${direction}`
    const before = latest.get(line) ?? 0
    latest.set(line, Math.max(name, before))
    return name < before
  }).length
}

test('each impairment shows: packets are late, dropped, lost, copied, corrupted or overtaken', () => {
  const seen = CASES.map((each): [string, string] => {
    const virtual = carry(each, STEADY, 1)
    const isLate = (time: number, i: number): boolean =>
      Number.isFinite(time) && time > (STEADY[i]?.now as number)
    const late = virtual.times().filter(isLate).length
    const { overflowed, lost, duplicated, corrupted } = virtual.account()
    const counts = { late, overflowed, lost, duplicated, corrupted, overtaken: overtaken(virtual) }
    const words = Object.entries(counts).filter(([, count]) => count > 0)
    return [each.name, words.map(([word]) => word).join(' ')]
  })
  assert.deepEqual(
    seen,
    CASES.map(({ name, shows }) => [name, shows]),
  )
})

test('5 000 devices with every impairment cost less than 4 KiB each, and are set up in less than 5 s', () => {
  const { link } = CASES.at(-1) as Case
  // What an earlier link leaves behind is not to be counted.
  assert.ok(new VirtualLink(link))
  const [memory, began] = [process.memoryUsage().arrayBuffers, performance.now()]
  const virtual = new VirtualLink(link, { devices: 5000, probes: 50 })
  const seconds = (performance.now() - began) / 1000
  const each = (process.memoryUsage().arrayBuffers - memory) / 5050
  assert.equal(virtual.emulator.nextDue(), Infinity)
  assert.ok(each < 4096, `${each} bytes per device`)
  assert.ok(seconds < 5, `${seconds} s`)
})
