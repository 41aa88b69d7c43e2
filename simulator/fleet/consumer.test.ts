import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Nanoseconds } from '../core/clock.ts'
import { MILLISECOND, SECOND } from '../core/clock.ts'
import type { Workload } from '../core/types.ts'
import { Histogram } from '../measure/histogram.ts'
import { Consumer } from './consumer.ts'
import type { ConsumerEvent } from './fleet-protocol.ts'
import { RECEIVED } from './ledger.ts'
import { Payload } from './payload.ts'
import { ConstantSchedule } from './schedule.ts'

const MS = MILLISECOND
const PLAN = { warmup: 0, t0: 1 * SECOND, t1: 2 * SECOND, end: 3 * SECOND }
const INTERVAL = 250 * MS
const WORKLOAD: Workload = {
  name: 'telemetry',
  kind: 'telemetry',
  interval: INTERVAL,
  arrivals: 'constant',
  payload: 20,
}
const SEED = 3
const schedule = new ConstantSchedule(PLAN, INTERVAL, SEED)
/** Of device 0: 4 messages a second, the first of which belongs to warm-up. */
const FIRST = schedule.before(0, PLAN.t0)

const begun = (devices = 1) => {
  const told: ConsumerEvent[] = []
  const consumer = new Consumer(devices, WORKLOAD, SEED, (event) => told.push(event))
  consumer.begin(PLAN)
  const payload = new Payload(20, 'canary-')
  /** Message `sequence` arrives so much after its intended time. */
  const receive = (sequence: number, after: Nanoseconds, device = 0): void =>
    consumer.received(device, payload.with(sequence), schedule.intended(device, sequence) + after)
  return { consumer, told, receive }
}

const latency = (consumer: Consumer): Histogram =>
  Histogram.fromJSON(consumer.report().series.latency as never)

const near = (actual: number | null, expected: Nanoseconds): void =>
  assert.ok(actual !== null && Math.abs(actual - expected) < 1, `${actual} is not ${expected} ns`)

test('latency is receipt minus intended time, which is computed from device and number', () => {
  const { consumer, receive } = begun(2)
  receive(FIRST, 12 * MS)
  receive(schedule.before(1, PLAN.t0), 34 * MS, 1)
  const h = latency(consumer)
  assert.equal(h.count, 2)
  near(h.min, 12 * MS)
  near(h.max, 34 * MS)
})

test('only messages whose intended time lies in [t0, t1) count, however late they come', () => {
  const { consumer, receive } = begun()
  receive(FIRST - 1, 2 * SECOND)
  assert.equal(latency(consumer).count, 0)
  receive(FIRST, 5 * SECOND)
  assert.equal(latency(consumer).count, 1)
  receive(FIRST + 3, 0)
  receive(FIRST + 4, 0)
  assert.equal(latency(consumer).count, 2)
  const flags = [...Buffer.from(consumer.report().ledger, 'base64')]
  assert.deepEqual(flags, [RECEIVED, 0, 0, RECEIVED])
})

test('a second copy is a duplicate and no second delivery', () => {
  const { consumer, told, receive } = begun()
  for (const sequence of [FIRST, FIRST, FIRST + 1, FIRST]) receive(sequence, 10 * MS)
  const { duplicates, reordered } = consumer.report()
  assert.deepEqual([duplicates, reordered], [2, 0])
  assert.equal(latency(consumer).count, 2)
  assert.deepEqual(told, [])
})

test('a message behind a higher number of the same device is reordered, and counts', () => {
  const { consumer, receive } = begun(2)
  receive(FIRST + 2, 10 * MS)
  receive(FIRST, 600 * MS)
  receive(FIRST + 1, 400 * MS)
  receive(FIRST + 3, 10 * MS)
  // Another device has an order of its own.
  receive(schedule.before(1, PLAN.t0), 10 * MS, 1)
  const { duplicates, reordered } = consumer.report()
  assert.deepEqual([duplicates, reordered], [0, 2])
  assert.equal(latency(consumer).count, 5)
})

test('complete is told once, with the last measured message, in whatever order they come', () => {
  const { told, receive } = begun()
  for (const sequence of [FIRST + 3, FIRST + 1, FIRST + 1, FIRST - 1, FIRST])
    receive(sequence, 1 * MS)
  assert.deepEqual(told, [])
  receive(FIRST + 2, 1 * MS)
  assert.deepEqual(told, [{ event: 'complete' }])
  receive(FIRST + 2, 2 * MS)
  receive(FIRST + 4, 1 * MS)
  assert.equal(told.length, 1)
})

test('the longest time without a delivery is told of each device, second copies and warm-up left out', () => {
  const { consumer, receive } = begun(2)
  receive(FIRST - 1, 0)
  receive(FIRST, 0)
  receive(FIRST, 400 * MS)
  receive(FIRST + 3, 0)
  const gaps = Histogram.fromJSON(consumer.report().longestGaps as never)
  assert.equal(gaps.count, 2)
  near(gaps.min, 3 * INTERVAL)
  near(gaps.max, PLAN.t1 - PLAN.t0)
})

test('what is no message of this cell is counted as unknown and touches nothing', () => {
  const { consumer, receive } = begun()
  receive(FIRST, 1 * MS, 1)
  receive(FIRST, 1 * MS, -1)
  for (const payload of ['', 'AAAAAAA', '$AAAAAAA'])
    consumer.received(0, Buffer.from(payload), 2 * SECOND)
  const { unknown, duplicates } = consumer.report()
  assert.deepEqual([unknown, duplicates, latency(consumer).count], [5, 0, 0])
})

test('what comes before the phases are known is unknown', () => {
  const consumer = new Consumer(1, WORKLOAD, SEED, () => {})
  consumer.received(0, new Payload(8, 'x').with(0), 1)
  const { unknown, ledger, seconds } = consumer.report()
  assert.deepEqual([unknown, ledger, seconds], [1, '', []])
})

test('seconds are counted by receipt from the start of warm-up, warm-up included', () => {
  const { consumer, receive } = begun()
  receive(FIRST - 1, 0)
  receive(FIRST, 0)
  receive(FIRST + 1, 1 * SECOND)
  const rows = consumer.report().seconds.map(({ second, delivered }) => [second, delivered])
  assert.deepEqual(rows, [
    [0, 1],
    [1, 1],
    [2, 1],
  ])
})

test('ready is told on, and the end of the connection is a failure', () => {
  const { consumer, told } = begun()
  consumer.consumerReady()
  consumer.ended({ code: 'reset', detail: 'RST' })
  assert.deepEqual(told, [
    { event: 'ready' },
    {
      event: 'failed',
      code: 'TB_ROLE_FAILED',
      message: 'its connection to the server ended (reset: RST)',
    },
  ])
})
