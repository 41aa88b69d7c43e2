import assert from 'node:assert/strict'
import { test } from 'node:test'
import { DOWN, UP } from './channel.ts'
import { WireLog } from './log.ts'
import { phaseOf, wireByPhase, type PhasePlan } from './wire.ts'

const PLAN: PhasePlan = {
  ready: Float64Array.of(100, NaN, 350),
  roundTrip: 20,
  t0: 200,
  t1: 300,
  closing: 400,
}

test('connect lasts until one round trip after ready, steady is the measured window, close begins with the order', () => {
  const phases = [0, 119, 120, 199, 200, 299, 300, 399, 400].map((time) => phaseOf(time, 0, PLAN))
  assert.deepEqual(phases, [
    'connect',
    'connect',
    'other',
    'other',
    'steady',
    'steady',
    'other',
    'other',
    'close',
  ])
})

test('a device that never was ready only connects, one that was late is connecting while others are measured', () => {
  assert.deepEqual(
    [0, 250, 399, 400].map((time) => phaseOf(time, 1, PLAN)),
    ['connect', 'connect', 'connect', 'close'],
  )
  assert.equal(phaseOf(250, 2, PLAN), 'connect')
})

test('packets and bytes are summed by phase and direction, layer by layer', () => {
  const log = new WireLog()
  log.add(50, 0, UP, 60, 20, 40, false)
  log.markDelivered(log.add(210, 0, UP, 100, 20, 32, false))
  log.add(220, 0, UP, 100, 20, 32, true)
  log.markDelivered(log.add(230, 0, DOWN, 128, 20, 8, false))
  const { connect, steady, close, other } = wireByPhase(log, PLAN)
  assert.deepEqual(connect.up, {
    packets: 1,
    bytes: 60,
    deliveredPackets: 0,
    deliveredBytes: 0,
    ipHeader: 20,
    transportHeader: 40,
    transportPayload: 0,
    retransmittedPackets: 0,
    retransmittedBytes: 0,
  })
  assert.deepEqual(steady.up, {
    packets: 2,
    bytes: 200,
    deliveredPackets: 1,
    deliveredBytes: 100,
    ipHeader: 20,
    transportHeader: 32,
    transportPayload: 48,
    retransmittedPackets: 1,
    retransmittedBytes: 100,
  })
  assert.deepEqual(
    [steady.down.packets, steady.down.deliveredBytes, steady.down.transportPayload],
    [1, 128, 100],
  )
  assert.deepEqual([connect.down.packets, close.up.packets, other.down.packets], [0, 0, 0])
})

test('the log keeps its rows beyond one chunk', () => {
  const log = new WireLog()
  for (let i = 0; i < 40_000; i++) log.add(i, i % 7, UP, 40 + (i % 2), 20, 20, false)
  log.markDelivered(39_999)
  assert.equal(log.size, 40_000)
  let i = 0
  for (const row of log.rows()) {
    assert.equal(row.time, i)
    assert.equal(row.device, i % 7)
    assert.equal(row.delivered, i === 39_999)
    i++
  }
  assert.equal(i, 40_000)
})
