/** What fleet and consumer tell while they work. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Nanoseconds } from '../core/clock.ts'
import { MILLISECOND, SECOND } from '../core/clock.ts'
import type { FleetProgress, ReceiptProgress } from './fleet-protocol.ts'
import type { Wish } from './world.cases.ts'
import { addressOf, DELAY, SERVER, World } from './world.cases.ts'

const MS = MILLISECOND
const PLAN = { warmup: 1 * SECOND, t0: 2 * SECOND, t1: 4 * SECOND, end: 30 * SECOND }
const NOTHING = { failed: 0, ended: 0, givenUp: 0, acknowledged: 0, ackP99: null, heard: null }

const near = (actual: number | null, expected: Nanoseconds): void =>
  assert.ok(actual !== null && Math.abs(actual - expected) < 1, `${actual} is not ${expected} ns`)

const at = (world: World, time: Nanoseconds): FleetProgress => {
  world.reactor.runUntil(time)
  return world.fleet.progress(time)
}

const begun = (wish: Wish): World => {
  const world = new World(wish)
  world.connect()
  world.reactor.runUntil(PLAN.warmup)
  world.begin(PLAN)
  return world
}

test('devices count as connected one after the other', () => {
  const world = new World({ devices: 4 })
  world.connect(400 * MS)
  assert.deepEqual(at(world, 0), { at: 0, connected: 0, ...NOTHING })
  assert.equal(at(world, 150 * MS).connected, 2)
  assert.deepEqual(at(world, SECOND), { at: SECOND, connected: 4, ...NOTHING })
})

test('who is not ready has failed when the connect deadline has passed, not before', () => {
  const from = addressOf(1)
  const world = new World({ devices: 3, loss: (_i, source) => source.host === from })
  world.connect(0, 900 * MS)
  const counts = (time: Nanoseconds): number[] => {
    const { connected, failed } = at(world, time)
    return [connected, failed]
  }
  assert.deepEqual(counts(899 * MS), [2, 0])
  assert.deepEqual(counts(900 * MS), [2, 1])
})

test('measured messages are counted when they arrive and when they are acknowledged, with their percentiles', () => {
  const world = begun({ devices: 5 })
  world.reactor.runUntil(PLAN.t0)
  const warm = world.consumer.progress(PLAN.t0).heard as ReceiptProgress
  assert.ok(warm.received >= 5 * 3 && warm.received <= 5 * 4, `${warm.received} in warm-up`)
  assert.deepEqual([warm.delivered, warm.latencyP99], [0, null])
  const fleet = at(world, PLAN.end)
  const { at: told, heard } = world.consumer.progress(PLAN.end)
  const consumer = heard as ReceiptProgress
  assert.deepEqual([fleet.acknowledged, consumer.delivered], [40, 40])
  assert.deepEqual([told, consumer.received], [PLAN.end, 60])
  near(fleet.ackP99, 2 * DELAY)
  near(consumer.latencyP99, DELAY)
})

test('a connection that is reset is missing until it is there again, and stays counted as ended', () => {
  const world = begun({ protocol: 'mqtt', devices: 3 })
  world.reactor.runUntil(3 * SECOND)
  world.reset()
  const gone = at(world, 3 * SECOND + DELAY)
  assert.deepEqual([gone.connected, gone.ended], [0, 3])
  const back = at(world, 3 * SECOND + 6 * DELAY)
  assert.deepEqual([back.connected, back.ended, back.failed], [3, 3, 0])
})

test('messages that are given up are counted', () => {
  let armed = false
  const world = begun({ loss: (_i, source) => armed && source.host !== SERVER })
  armed = true
  assert.equal(at(world, 60 * SECOND).givenUp, 0)
  // MAX_TRANSMIT_WAIT is 93 s (RFC 7252 section 4.8.2); then the next message has its turn.
  assert.equal(at(world, 100 * SECOND).givenUp, 1)
})
