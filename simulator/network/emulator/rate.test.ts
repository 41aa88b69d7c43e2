import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { MILLISECOND, SECOND } from '../../core/clock.ts'
import { Rate } from './rate.ts'

/** Departures of packets `[start, length]` of one device. */
const departures = (rate: Rate, packets: readonly (readonly [number, number])[]): number[] =>
  packets.map(([start, length]) => rate.departure(0, length, start))

test('a queue with periodic arrivals follows Lindley: each packet waits for what is left of those before it', () => {
  // 1 ms of service, arrivals at gaps of 0.5 and 1.5 ms in turn: waits 0, 0.5, 0, 0.5 ms ...
  const starts = Array.from({ length: 10 }, (_, i) => (i % 2 === 0 ? i : i - 0.5) * MILLISECOND)
  const found = departures(
    new Rate(8e6, 0, 1),
    starts.map((start) => [start, 1000]),
  )
  const waits = found.map((time, i) => time - (starts[i] as number) - MILLISECOND)
  assert.deepEqual(
    waits,
    waits.map((_, i) => (i % 2 === 0 ? 0 : 0.5 * MILLISECOND)),
  )
})

test('under overload, packet n leaves after n services, exactly', () => {
  const rate = new Rate(1e6, 0, 1)
  for (let n = 1; n <= 100_000; n++)
    assert.equal(rate.departure(0, 125, n * 1000), 1000 + n * MILLISECOND)
})

test('a full bucket lets its depth pass at once, then the rate rules', () => {
  const packets = Array.from({ length: 6 }, () => [0, 1000] as const)
  assert.deepEqual(departures(new Rate(8e6, 3000, 1), packets), [0, 0, 0, 1e6, 2e6, 3e6])
})

test('the bucket fills again at the rate, up to its depth', () => {
  const packets = [
    [0, 3000],
    [2 * MILLISECOND, 1000],
    [2 * MILLISECOND, 1500],
    [SECOND, 3000],
    [SECOND, 1000],
  ] as const
  const found = departures(new Rate(8e6, 3000, 1), packets)
  // After 2 ms 2 000 bytes are there: 1 000 go at once, 1 500 wait for 500 more.
  assert.deepEqual(found, [0, 2e6, 2.5e6, SECOND, SECOND + MILLISECOND])
})

test('a packet longer than the bucket is deep waits for what the bucket never holds', () => {
  assert.deepEqual(departures(new Rate(8e6, 1000, 1), [[SECOND, 1500]]), [SECOND + 0.5e6])
})

test('in any span, no more leaves than the depth and the rate allow, and no packet waits without need', () => {
  const packets = fc.array(fc.tuple(fc.nat(3 * MILLISECOND), fc.integer({ min: 20, max: 1500 })), {
    minLength: 1,
    maxLength: 60,
  })
  fc.assert(
    fc.property(fc.constantFrom(0, 1000, 5000), packets, (burst, gaps) => {
      const rate = new Rate(8e6, burst, 1)
      let now = 0
      const sent = gaps.map(([gap, length]) => {
        now += gap
        return { start: now, length, time: rate.departure(0, length, now) }
      })
      for (const [i, { start, length, time }] of sent.entries()) {
        const before = sent[i - 1]?.time ?? 0
        assert.ok(time >= start && time >= before)
        let bytes = 0
        for (let j = i; j >= 0; j--) {
          bytes += sent[j]?.length as number
          // 1 000 bytes per ms. Packets j .. i leave between these: the first of them began no earlier.
          const begun = Math.max(sent[j]?.start as number, sent[j - 1]?.time ?? 0)
          assert.ok(bytes <= burst + (time - begun) / 1000 + 1e-3)
        }
        // It leaves at once, or has waited for tokens.
        if (time > Math.max(start, before))
          assert.ok(time - Math.max(start, before) <= length * 1000)
      }
    }),
  )
})

test('an unlimited rate lets all pass at once, until it is changed for some', () => {
  const rate = new Rate(null, 0, 3)
  rate.change(0, 2, 8e6)
  const both = (): number[] => [0, 1, 2].map((device) => rate.departure(device, 1000, SECOND))
  assert.deepEqual(both(), [SECOND + 1e6, SECOND + 1e6, SECOND])
  rate.change(0, 1, null)
  // What is already being sent is finished first.
  assert.deepEqual(both(), [SECOND + 1e6, SECOND + 2e6, SECOND])
})
