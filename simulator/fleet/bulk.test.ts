/** Large messages: what is intended, what becomes of it, and what it leaves to the others. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, SECOND } from '../core/clock.ts'
import type { Bulk, Workload } from '../core/types.ts'
import { Histogram } from '../measure/histogram.ts'
import { settle } from './ledger.ts'
import { BulkSchedule, bulkPlanOf } from './schedule-bulk.ts'
import { DELAY, World } from './world.cases.ts'

const PLAN = { warmup: 1 * SECOND, t0: 2 * SECOND, t1: 4 * SECOND, end: 30 * SECOND }
const bulk = (changes: Partial<Bulk> = {}): Bulk => ({ payload: 64, after: SECOND / 2, every: null, ...changes }) // prettier-ignore
const workload = (changes: Partial<Bulk> = {}): Workload => ({
  name: 'telemetry',
  kind: 'telemetry',
  interval: 250 * MILLISECOND,
  arrivals: 'constant',
  payload: 20,
  bulk: bulk(changes),
})
const wanted = (changes: Partial<Bulk>, chunk: number | null = null) => {
  const plan = bulkPlanOf(workload(changes), { bulk: { connection: 'shared', chunk } })
  assert.ok(plan !== null)
  return plan
}

test('a stack without words about them sends large messages whole, on the one connection', () => {
  assert.deepEqual(bulkPlanOf(workload(), {}), { bulk: bulk(), parts: 1, partSize: 64, second: false }) // prettier-ignore
})

test('chunks are as many as are needed, and no larger than the message', () => {
  assert.deepEqual([wanted({}, 10).parts, wanted({}, 10).partSize], [7, 10])
  assert.deepEqual([wanted({}, 100).parts, wanted({}, 100).partSize], [1, 64])
})

test('one is intended so long after t0, and others at their distance, in the window', () => {
  const one = new BulkSchedule(PLAN, wanted({}))
  assert.deepEqual([one.count, one.intended(0, 0), one.intended(0, 1)], [1, 2.5e9, PLAN.t1])
  const many = new BulkSchedule(PLAN, wanted({ every: SECOND / 2 }, 32))
  assert.equal(many.count, 3)
  assert.deepEqual([0, 1, 2, 5, 6].map((k) => many.intended(0, k)), [2.5e9, 2.5e9, 3e9, 3.5e9, 4e9]) // prettier-ignore
  assert.deepEqual(
    [2.5e9, 3e9, 9e9].map((at) => many.before(0, at)),
    [0, 2, 6],
  )
})

const run = (
  changes: Partial<Bulk>,
  carried: { connection: 'shared' | 'own'; chunk: number | null },
): World => {
  const world = new World({ protocol: 'mqtt', devices: 2, workload: workload(changes), bulk: carried }) // prettier-ignore
  world.connect()
  world.reactor.runUntil(PLAN.warmup)
  world.begin(PLAN)
  world.reactor.runUntil(PLAN.end)
  return world
}

const accounts = (world: World) => {
  const flags = (base64 = ''): Uint8Array => Buffer.from(base64, 'base64')
  const { bulkLedger } = world.fleet.report()
  const received = world.consumer.report().bulk
  assert.ok(received !== undefined)
  return { received, ...settle(flags(bulkLedger), flags(received.ledger)) }
}

for (const [name, carried, connections] of [
  ['whole', { connection: 'shared', chunk: null }, 2],
  ['in chunks', { connection: 'shared', chunk: 16 }, 2],
  ['on connections of their own', { connection: 'own', chunk: null }, 4],
] as const)
  test(`every large message arrives ${name}, and counts apart from the telemetry`, () => {
    const world = run({ every: SECOND / 2 }, carried)
    const { intended, delivered, lost, notSent, received } = accounts(world)
    const parts = carried.chunk === null ? 1 : 4
    assert.deepEqual([intended, delivered, lost, notSent], [6 * parts, 6 * parts, 0, 0])
    assert.equal(received.bytes, 6 * 64)
    const duration = Histogram.fromJSON(received.duration)
    assert.equal(duration.count, 6)
    assert.ok(Math.abs((duration.max ?? 0) - DELAY) < 0.1 * MILLISECOND)
    assert.equal(world.streams.size, connections)
    assert.deepEqual([world.accounts().intended, world.accounts().delivered], [16, 16])
    assert.equal(world.fleet.report().connected, 2)
    assert.deepEqual([world.when('quiet').length, world.when('complete').length], [1, 1])
  })

test('what a lost connection left of them is sent again', () => {
  const world = new World({ protocol: 'mqtt', workload: workload({}), bulk: { connection: 'own', chunk: 16 } }) // prettier-ignore
  world.connect()
  world.reactor.runUntil(PLAN.warmup)
  world.begin(PLAN)
  world.silent = true
  world.reactor.runUntil(PLAN.t0 + SECOND)
  world.silent = false
  world.reset()
  world.reactor.runUntil(PLAN.end)
  assert.equal(accounts(world).delivered, 4)
  assert.equal(world.fleet.report().ends['reset']?.count, 2)
  assert.equal(world.fleet.report().reconnects, 1)
  assert.deepEqual(world.when('quiet').length, 1)
})
