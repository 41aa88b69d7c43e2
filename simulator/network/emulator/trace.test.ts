import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'
import { MILLISECOND, SECOND } from '../../core/clock.ts'
import { OPPORTUNITY } from '../../core/delivery-trace.ts'
import { Channel, UP } from './channel.ts'
import { Epochs } from './epochs.ts'
import { Opportunities, Trace } from './trace.ts'

const opportunities = new Opportunities(Uint32Array.of(2, 5, 5, 10))

test('instants are found in any period, before the origin too', () => {
  const times = (from: number, count: number): number[] => {
    const first = opportunities.from(from * MILLISECOND)
    return Array.from({ length: count }, (_, i) => opportunities.time(first + i) / MILLISECOND)
  }
  assert.deepEqual(times(0, 4), [0, 2, 5, 10])
  assert.deepEqual(times(5, 2), [5, 10])
  assert.deepEqual(times(5.001, 2), [10, 12])
  assert.deepEqual(times(2001, 2), [2002, 2005])
  assert.deepEqual(times(-9, 3), [-8, -5, 0])
  assert.deepEqual(times(9.999, 1), [10])
  assert.equal(opportunities.bytes(opportunities.from(5 * MILLISECOND)), 2 * OPPORTUNITY)
})

test('opportunities at millisecond 0 come at the end of each period', () => {
  const all = new Opportunities(Uint32Array.of(0, 0, 4))
  assert.equal(all.count, 1)
  assert.equal(all.bytes(0), 3 * OPPORTUNITY)
})

/** A trace for one device, and the function that gives times since the device's own start of a period. */
const traceOf = (times: readonly number[], seed = 1): { trace: Trace; start: number } => {
  const all = new Opportunities(Uint32Array.from(times))
  const trace = new Trace(all, new Channel(seed, UP, 1, new Epochs()))
  // The first instant at or after a late time tells the offset, if instants are unmistakable.
  const first = trace.departure(0, 1, 0)
  return { trace, start: first }
}

test('packets take what is left of an instant, or several instants, in their order', () => {
  // One opportunity every 10 ms, whatever the offset.
  const { trace, start } = traceOf([10])
  const at = (ms: number): number => start + ms * MILLISECOND
  assert.equal(trace.departure(0, 1502, at(0)), at(0))
  // One byte is left.
  assert.equal(trace.departure(0, 1, at(0)), at(0))
  assert.equal(trace.departure(0, 1500, at(0)), at(10))
  // 4 bytes are left there, and 10 more wait for the next instant.
  assert.equal(trace.departure(0, 14, at(0)), at(20))
  assert.equal(trace.departure(0, 3 * OPPORTUNITY, at(0)), at(50))
})

test('instants that find no packet are lost', () => {
  const { trace, start } = traceOf([10])
  const late = start + SECOND + 1
  const times = Array.from({ length: 3 }, () => trace.departure(0, OPPORTUNITY, late))
  assert.deepEqual(
    times,
    [10, 20, 30].map((ms) => start + SECOND + ms * MILLISECOND),
  )
})

test('each device begins at an instant of its own, the same in every run with the seed', () => {
  const firsts = (seed: number): number[] => {
    const epochs = new Epochs()
    const trace = new Trace(
      new Opportunities(Uint32Array.of(1000)),
      new Channel(seed, UP, 50, epochs),
    )
    return Array.from({ length: 50 }, (_, device) => trace.departure(device, 100, 0))
  }
  assert.deepEqual(firsts(3), firsts(3))
  assert.notDeepEqual(firsts(3), firsts(4))
  assert.ok(new Set(firsts(3)).size > 40)
})

test('the period begins anew where the epoch does, so all stacks of a repetition meet the same', () => {
  const departed = (t0: number): number => {
    const epochs = new Epochs()
    epochs.connect(17)
    epochs.plan(t0 - SECOND, t0)
    const trace = new Trace(opportunities, new Channel(1, UP, 1, epochs))
    trace.departure(0, 100, t0 - 2 * SECOND)
    return trace.departure(0, 100, t0 + 3 * MILLISECOND) - t0
  }
  assert.equal(departed(10 * SECOND), departed(12.345 * SECOND))
})

test('what leaves by any instant is no more than the trace has until then, and nothing leaves early or out of order', () => {
  const traces = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 20 })
  const packets = fc.array(fc.tuple(fc.nat(10 * MILLISECOND), fc.integer({ min: 28, max: 4000 })), {
    minLength: 1,
    maxLength: 40,
  })
  fc.assert(
    fc.property(traces, packets, (marks, gaps) => {
      const times = [...marks, 41].toSorted((a, b) => a - b)
      const all = new Opportunities(Uint32Array.from(times))
      const trace = new Trace(all, new Channel(1, UP, 1, new Epochs()))
      let now = 0
      let latest = 0
      const used = new Map<number, number>()
      for (const [gap, length] of gaps) {
        now += gap
        const time = trace.departure(0, length, now)
        assert.ok(time >= now && time >= latest)
        latest = time
        used.set(time, (used.get(time) ?? 0) + length)
      }
      // Whole packets are counted where their last byte leaves: at most one of them began before.
      for (const bytes of used.values()) assert.ok(bytes <= OPPORTUNITY * times.length + 4000)
    }),
  )
})
