import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND } from '../core/clock.ts'
import type { RunEvent } from '../run/progress.ts'
import { LiveText } from './live-text.ts'
import { cellEnded, cellStarted, phase, progress, runStarted } from './run-events.cases.ts'

/** What is shown at `at` after events that were told at the given seconds. */
const shown = (at: number, ...told: readonly (readonly [number, RunEvent])[]): string[] => {
  const text = new LiveText()
  for (const [time, event] of told) text.tell(event, time * SECOND)
  return text.lines(at * SECOND)
}

test('before the first cell it says what is to come', () => {
  assert.deepEqual(shown(0), [])
  assert.deepEqual(shown(1, [0, runStarted()]), [
    'quickstart: 36 cells, about 5 min 11 s',
    '    looking at the idle machine',
  ])
  assert.deepEqual(shown(1, [0, { ...runStarted(12), cells: 13 }]), [
    'quickstart: 13 cells, 12 finished before, about 5 min 11 s',
    '    looking at the idle machine',
  ])
})

test('a cell starts, and the time for the whole run falls while nothing is told', () => {
  assert.deepEqual(shown(10, [10, cellStarted()]), [
    '[7/36] mqtt-tls.lte-m.100.telemetry.r02  starting',
    '    about 4 min 12 s left for the whole run',
  ])
  assert.deepEqual(shown(13.5, [10, cellStarted(2)]), [
    '[7/36] mqtt-tls.lte-m.100.telemetry.r02 again  starting',
    '    about 4 min 9 s left for the whole run',
  ])
})

test('a phase has its remaining seconds; one that ends when there is nothing to wait for has at most those', () => {
  const first = (at: number, event: RunEvent): string | undefined =>
    shown(at, [10, cellStarted()], [11, event])[0]
  const cell = '[7/36] mqtt-tls.lte-m.100.telemetry.r02'
  assert.equal(first(11, phase('connect', 15, true)), `${cell}  connect, at most 15 s left`)
  assert.equal(first(11.2, phase('measure', 4)), `${cell}  measure, 4 s left`)
  assert.equal(first(14.9, phase('measure', 4)), `${cell}  measure, 1 s left`)
  assert.equal(first(16, phase('measure', 4)), `${cell}  measure, 0 s left`)
  assert.equal(first(11, phase('measure', 90)), `${cell}  measure, 1 min 30 s left`)
  assert.equal(first(12, phase('close', null)), `${cell}  close`)
})

/** The line of figures. */
const figures = (changed: Parameters<typeof progress>[0]): string | undefined =>
  shown(12, [10, cellStarted()], [12, progress(changed)])[1]

test('devices, rate and percentile are shown as far as they are known', () => {
  const nothing = { delivered: 0, delivered_per_s: null, latency_p99_ms: null, acknowledged: 0 }
  assert.equal(figures({ connected: 37, ...nothing }), '    37/100 devices  no errors')
  assert.equal(
    figures({ ...nothing, delivered_per_s: 8.25 }),
    '    100/100 devices  8.3 msg/s  no errors',
  )
  assert.equal(figures({}), '    100/100 devices  285 msg/s  latency p99 81.23 ms  no errors')
  assert.equal(
    figures({ delivered_per_s: 12345.6, latency_p99_ms: 12345.6 }),
    '    100/100 devices  12346 msg/s  latency p99 12346 ms  no errors',
  )
})

test('where nobody stands behind the server, acknowledgements are shown instead', () => {
  const none = { delivered: null, delivered_per_s: null, latency_p99_ms: null }
  assert.equal(
    figures({ ...none, ack_p99_ms: 130.5 }),
    '    100/100 devices  284 ack/s  ack p99 130.5 ms  no errors',
  )
  assert.equal(
    figures({ ...none, acknowledged: 0, acknowledged_per_s: 0 }),
    '    100/100 devices  no errors',
  )
})

test('errors are counted by their kind', () => {
  assert.equal(
    figures({ connected: 97, failed: 1, connections_ended: 3, messages_given_up: 2 }),
    '    97/100 devices  285 msg/s  latency p99 81.23 ms  1 device failed, 3 connections ended, 2 messages given up',
  )
})

test('a cell begins without the figures of the one before', () => {
  assert.deepEqual(
    shown(20, [10, cellStarted()], [12, progress()], [19, cellEnded()], [20, cellStarted(2)]),
    [
      '[7/36] mqtt-tls.lte-m.100.telemetry.r02 again  starting',
      '    about 4 min 12 s left for the whole run',
    ],
  )
})

test('what is done between cells is shown until the next one starts', () => {
  const text = new LiveText()
  text.tell(cellStarted(), 0)
  text.busy('ending the running cell')
  text.tell(progress(), SECOND)
  assert.deepEqual(text.lines(SECOND), ['ending the running cell'])
  text.tell(cellStarted(), 2 * SECOND)
  assert.equal(text.lines(2 * SECOND).length, 2)
})
