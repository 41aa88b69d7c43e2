import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { MICROSECOND, MILLISECOND, SECOND } from '../../core/clock.ts'
import { Channel, UP } from './channel.ts'
import { Direction, LOST, OVERFLOWED } from './direction.ts'
import { NONE, PacketPool } from './pool.ts'
import { shape } from './profile.cases.ts'
import { CONNECT, RUN, Epochs } from './epochs.ts'

const SLOTS = 512

class Bench {
  readonly pool = new PacketPool({ address: 0, bytes: new Uint8Array(0) }, SLOTS, 0)
  readonly direction: Direction
  constructor(changes: Parameters<typeof shape>[0], devices = 1, probes = 0, seed = 1) {
    const profile = shape(changes)
    const channels = [CONNECT, RUN].map((e) => new Channel(seed, UP, e as 0 | 1, devices, profile))
    this.direction = new Direction(
      this.pool,
      profile,
      channels as [Channel, Channel],
      new Epochs(),
      devices,
      probes,
    )
  }
  /** The time at which the packet is due, or what became of it. */
  send(now: number, length: number, device = 0): number | 'lost' | 'overflowed' {
    const slot = this.pool.take()
    assert.notEqual(slot, NONE)
    this.pool.length[slot] = length
    const fate = this.direction.arrive(device, slot, now)
    if (fate !== LOST && fate !== OVERFLOWED) return this.pool.due[slot] as number
    this.pool.give(slot)
    return fate === LOST ? 'lost' : 'overflowed'
  }
  /** Takes out what is due by `now`; returns the due times. */
  receive(now: number, device = 0): number[] {
    const dues: number[] = []
    for (;;) {
      const head = this.direction.lines.head(device)
      if (head === NONE || (this.pool.due[head] as number) > now) return dues
      assert.equal(this.direction.take(device), head)
      dues.push(this.pool.due[head] as number)
      this.pool.give(head)
    }
  }
}

test('packets of 1 250 bytes leave a link of 1 Mbit/s 10 ms apart', () => {
  const bench = new Bench({ rate: 1e6 })
  const dues = Array.from({ length: 5 }, () => bench.send(1000, 1250))
  assert.deepEqual(
    dues,
    [1, 2, 3, 4, 5].map((n) => 1000 + n * 10 * MILLISECOND),
  )
})

test('the rate limiter rests when nothing is there: a packet after a pause waits for none', () => {
  const bench = new Bench({ rate: 8e6 })
  assert.equal(bench.send(0, 1000), MILLISECOND)
  assert.equal(bench.send(SECOND, 1000), SECOND + MILLISECOND)
})

test('delay comes on top of serialisation', () => {
  const bench = new Bench({ rate: 1e6, delay: 50 * MILLISECOND })
  assert.equal(bench.send(0, 125), 51 * MILLISECOND)
})

test('the queue takes as many packets as its limit, those in serialisation included, and drops the tail', () => {
  const bench = new Bench({
    rate: 1e6,
    queue: { limit: 4, unit: 'packets' },
    delay: 100 * MILLISECOND,
  })
  const fates = Array.from({ length: 7 }, () => bench.send(0, 1250))
  assert.equal(fates.filter((fate) => fate === 'overflowed').length, 3)
  assert.deepEqual(fates.slice(4), ['overflowed', 'overflowed', 'overflowed'])
  // At 10 ms, the first has left the limiter (though it is still on its way): one place is free.
  assert.equal(bench.send(10 * MILLISECOND, 1250), 150 * MILLISECOND)
  assert.equal(bench.send(10 * MILLISECOND, 1250), 'overflowed')
  // At 1 s all are gone.
  assert.equal(bench.receive(SECOND).length, 5)
  assert.equal(typeof bench.send(SECOND, 1250), 'number')
})

test('an unlimited rate never fills a queue', () => {
  const bench = new Bench({ queue: { limit: 1, unit: 'packets' }, delay: SECOND })
  for (let i = 0; i < 100; i++) assert.equal(bench.send(0, 1250), SECOND)
})

test('each device has a link of its own', () => {
  const bench = new Bench({ rate: 1e6, queue: { limit: 1, unit: 'packets' } }, 2)
  assert.equal(bench.send(0, 1250, 0), 10 * MILLISECOND)
  assert.equal(bench.send(0, 1250, 1), 10 * MILLISECOND)
  assert.equal(bench.send(0, 1250, 0), 'overflowed')
})

test('packets keep their order under jitter, and no delay is below zero', () => {
  const bench = new Bench({ delay: 2 * MILLISECOND, jitter: 5 * MILLISECOND })
  let latest = 0
  let atOnce = 0
  for (let i = 0; i < 5000; i++) {
    const now = i * 100 * MICROSECOND
    const due = bench.send(now, 100)
    assert.ok(typeof due === 'number' && due >= now && due >= latest)
    if (due === now) atOnce++
    latest = due
    bench.receive(now)
  }
  assert.ok(atOnce > 0)
})

test('probes meet the mean delay and nothing else', () => {
  const bench = new Bench(
    {
      delay: 20 * MILLISECOND,
      jitter: 5 * MILLISECOND,
      rate: 1000,
      queue: { limit: 1, unit: 'packets' },
      loss: { kind: 'time', ratio: 1, burst: 0 },
    },
    3,
    2,
  )
  for (let i = 0; i < 10; i++) {
    assert.equal(bench.send(i, 1250, 4), i + 20 * MILLISECOND)
    assert.equal(bench.send(i, 1250, 0), 'lost')
  }
  assert.equal(bench.receive(SECOND, 4).length, 10)
})

test('no packet appears or disappears, and all come out in order, whatever the traffic', () => {
  const traffic = fc.array(
    fc.record({
      gap: fc.integer({ min: 0, max: 5e6 }),
      length: fc.integer({ min: 20, max: 1500 }),
      device: fc.integer({ min: 0, max: 2 }),
      receive: fc.boolean(),
    }),
    { maxLength: 200 },
  )
  const link = fc.record({
    delay: fc.constantFrom(0, 3e6, 30e6),
    jitter: fc.constantFrom(0, 2e6),
    rate: fc.constantFrom(null, 64e3, 1e6),
    queue: fc.constantFrom(
      null,
      { limit: 1, unit: 'packets' as const },
      { limit: 5, unit: 'packets' as const },
    ),
    loss: fc.constantFrom(
      { kind: 'time' as const, ratio: 0, burst: 0 },
      { kind: 'time' as const, ratio: 0.2, burst: 0 },
      { kind: 'time' as const, ratio: 0.2, burst: 20e6 },
    ),
  })
  fc.assert(
    fc.property(fc.integer(), link, traffic, (seed, profile, packets) => {
      const bench = new Bench(profile, 3, 0, seed)
      const waiting: number[][] = [[], [], []]
      let now = 0
      let gone = 0
      for (const packet of packets) {
        now += packet.gap
        const due = bench.send(now, packet.length, packet.device)
        if (typeof due === 'number') waiting[packet.device]?.push(due)
        else gone++
        if (packet.receive) {
          const line = waiting[packet.device] as number[]
          const dues = bench.receive(now, packet.device)
          assert.deepEqual(dues, line.splice(0, dues.length))
        }
      }
      assert.equal(bench.direction.lines.count(), waiting.flat().length)
      for (const device of [0, 1, 2]) assert.deepEqual(bench.receive(1e15, device), waiting[device])
      assert.equal(bench.direction.lines.count(), 0)
      assert.equal(bench.pool.free, SLOTS)
      assert.ok(gone <= packets.length)
    }),
    { numRuns: 200 },
  )
})
