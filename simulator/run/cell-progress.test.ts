import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MILLISECOND, SECOND } from '../core/clock.ts'
import type { FleetProgress } from '../fleet/fleet-protocol.ts'
import { CellWatch } from './cell-progress.ts'

const fleet = (at: number, changed: Partial<FleetProgress> = {}): FleetProgress => ({
  at: at * SECOND,
  connected: 10,
  failed: 0,
  ended: 0,
  givenUp: 0,
  heard: null,
  acknowledged: 0,
  ackP99: null,
  ...changed,
})

const consumer = (at: number, received: number, delivered: number) => ({
  at: at * SECOND,
  heard: { received, delivered, latencyP99: delivered > 0 ? 54.3216 * MILLISECOND : null },
  acknowledged: 0,
  givenUp: 0,
})

test('before the consumer has spoken nothing is delivered, and no rate is known', () => {
  assert.deepEqual(new CellWatch(12, true).fleet(fleet(1, { connected: 7, failed: 1 })), {
    event: 'progress',
    devices: 12,
    connected: 7,
    failed: 1,
    connections_ended: 0,
    messages_given_up: 0,
    delivered: 0,
    delivered_per_s: null,
    latency_p99_ms: null,
    acknowledged: 0,
    acknowledged_per_s: null,
    ack_p99_ms: null,
  })
})

test('rates are those between the last two times that were told', () => {
  const watch = new CellWatch(10, true)
  watch.consumer(consumer(1.3, 0, 0))
  watch.fleet(fleet(1.3))
  watch.consumer(consumer(2, 70, 0))
  const warm = watch.fleet(fleet(2.01))
  assert.deepEqual([warm.delivered, warm.delivered_per_s, warm.latency_p99_ms], [0, 100, null])
  watch.consumer(consumer(3, 190, 80))
  const measured = watch.fleet(fleet(3.01, { acknowledged: 75, ended: 2, givenUp: 3 }))
  assert.deepEqual(
    [measured.delivered, measured.delivered_per_s, measured.latency_p99_ms],
    [80, 120, 54.322],
  )
  assert.deepEqual([measured.acknowledged, measured.acknowledged_per_s], [75, 75])
  assert.deepEqual([measured.connections_ended, measured.messages_given_up], [2, 3])
})

test('where nobody stands behind the server there are acknowledgements and no deliveries', () => {
  const watch = new CellWatch(10, false)
  watch.consumer(consumer(1, 0, 0))
  watch.consumer(consumer(2, 0, 0))
  const told = watch.fleet(fleet(2, { acknowledged: 40, ackP99: 60 * MILLISECOND }))
  assert.deepEqual([told.delivered, told.delivered_per_s, told.latency_p99_ms], [null, null, null])
  assert.deepEqual([told.acknowledged, told.ack_p99_ms], [40, 60])
})
