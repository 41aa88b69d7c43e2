import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MICROSECOND, MILLISECOND, NEVER, SECOND } from '../../core/clock.ts'
import { arrivals, bothWays, VirtualLink } from './virtual-link.cases.ts'

const packetsAt = (now: number, count: number, length: number): [number, number][] =>
  Array.from({ length: count }, () => [now, length])

test('packets of 1 250 bytes leave a link of 1 Mbit/s 10 ms apart', () => {
  assert.deepEqual(
    arrivals({ rate: 1e6 }, packetsAt(1000, 5, 1250)),
    [1, 2, 3, 4, 5].map((n) => 1000 + n * 10 * MILLISECOND),
  )
})

test('the rate limiter rests when nothing is there: a packet after a pause waits for none', () => {
  const packets = [...packetsAt(0, 1, 1000), ...packetsAt(SECOND, 1, 1000)]
  assert.deepEqual(arrivals({ rate: 8e6 }, packets), [MILLISECOND, SECOND + MILLISECOND])
})

test('delay comes on top of serialisation', () => {
  const link = { rate: 1e6, delay: 50 * MILLISECOND }
  assert.deepEqual(arrivals(link, [[0, 125]]), [51 * MILLISECOND])
})

test('the queue takes as many packets as its limit, those in serialisation included, and drops the tail', () => {
  const queue = { limit: 4, unit: 'packets' as const }
  const link = { rate: 1e6, queue, delay: 100 * MILLISECOND }
  // At 10 ms, the first has left the limiter (though it is still on its way): one place is free.
  const packets = [
    ...packetsAt(0, 7, 1250),
    ...packetsAt(10 * MILLISECOND, 2, 1250),
    ...packetsAt(SECOND, 1, 1250),
  ]
  const times = [110, 120, 130, 140, NEVER, NEVER, NEVER, 150, NEVER, 1110]
  assert.deepEqual(
    arrivals(link, packets),
    times.map((time) => time * MILLISECOND),
  )
})

test('a queue in bytes is full when the packet that comes does not fit', () => {
  const queue = { limit: 3000, unit: 'bytes' as const }
  const lengths = [1500, 1000, 600, 500, 28]
  const times = arrivals(
    { rate: 8e6, queue },
    lengths.map((length) => [0, length]),
  )
  assert.deepEqual(
    times,
    [1.5, 2.5, NEVER, 3, NEVER].map((time) => time * MILLISECOND),
  )
})

test('an unlimited rate never fills a queue', () => {
  const queue = { limit: 1, unit: 'packets' as const }
  const times = arrivals({ queue, delay: SECOND }, packetsAt(0, 100, 1250))
  assert.deepEqual(new Set(times), new Set([SECOND]))
})

test('each device has a link of its own', () => {
  const queue = { limit: 1, unit: 'packets' as const }
  const packets = [0, 1, 0].map((device) => [0, 1250, device] as const)
  const times = arrivals({ rate: 1e6, queue }, packets, { devices: 2 })
  assert.deepEqual(times, [10 * MILLISECOND, 10 * MILLISECOND, NEVER])
})

test('packets keep their order under jitter, and no delay is below zero', () => {
  const link = new VirtualLink(bothWays({ delay: 2 * MILLISECOND, jitter: 5 * MILLISECOND }))
  for (let i = 0; i < 5000; i++) link.send(i * 100 * MICROSECOND, 100)
  link.run()
  const names = link.exits.map((exit) => exit.name)
  assert.deepEqual(
    names,
    names.map((_, i) => i),
  )
  const delays = link.times().map((time, i) => time - i * 100 * MICROSECOND)
  assert.equal(Math.min(...delays), 0)
})

test('probes meet the mean delay and nothing else', () => {
  const link = bothWays(
    {
      delay: 20 * MILLISECOND,
      jitter: 5 * MILLISECOND,
      rate: 1000,
      queue: { limit: 1, unit: 'packets' },
      policer: { rate: 1, burst: 1 },
      loss: { kind: 'time', ratio: 1, burst: 0 },
    },
    {
      wake: { delay: SECOND, inactivity: 0 },
      halfDuplex: true,
      shared: { up: { rate: 1000, queue: null }, down: { rate: 1000, queue: null } },
    },
  )
  const virtual = new VirtualLink(link, { devices: 3, probes: 2 })
  for (let i = 0; i < 10; i++) {
    virtual.send(i, 1250, 4, (i % 2) as 0 | 1)
    virtual.send(i, 1250, 0, (i % 2) as 0 | 1)
  }
  virtual.run()
  const times = virtual.times()
  for (let i = 0; i < 10; i++) {
    assert.equal(times[2 * i], i + 20 * MILLISECOND)
    assert.equal(times[2 * i + 1], NEVER)
  }
})

test('a change of rate and queue meets the devices that it names, and lasts until it is taken back', () => {
  const timeline = [
    {
      kind: 'change' as const,
      at: SECOND,
      for: SECOND,
      up: { rate: 1e5, queue: { limit: 1, unit: 'packets' as const } },
      down: {},
      devices: 0.5,
    },
  ]
  const link = new VirtualLink(bothWays({}), { devices: 2, timeline })
  link.emulator.plan(0, 0, 10 * SECOND)
  for (const now of [0, SECOND, SECOND, 2 * SECOND])
    for (const device of [0, 1]) link.send(now, 125, device)
  link.run()
  const times = [0, 0, 1010, 1000, NEVER, 1000, 2000, 2000]
  assert.deepEqual(
    link.times(),
    times.map((time) => time * MILLISECOND),
  )
})
