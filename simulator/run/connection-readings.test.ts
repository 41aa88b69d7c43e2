import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SECOND } from '../core/clock.ts'
import { PLAIN_TCP } from '../core/tcp.ts'
import type { Workload } from '../core/types.ts'
import { Histogram } from '../measure/histogram.ts'
import type { CellReports } from './cell-reports.ts'
import { connectCosts, connects, connectWire, idle, wakes } from './connection-readings.ts'
import type { Reading } from './reading.ts'

const both = (packets: number, bytes: number) => ({
  up: { packets, bytes },
  down: { packets: packets * 2, bytes: bytes * 2 },
})

const reports = (workload: Workload, change: object = {}): CellReports =>
  ({
    cell: {
      devices: 600,
      workload,
      stack: { protocol: 'mqtt', options: { keepalive: 10 * SECOND }, tcp: PLAIN_TCP },
    },
    window: 20 * SECOND,
    fleet: {
      connected: 500,
      planned: { intended: 1000, started: 900, completed: 800, spans: '' },
      receipts: null,
    },
    consumer: { wakes: null },
    link: {
      wire: { connect: both(3000, 60_000), steady: both(500, 25_000) },
      spans: { connects: both(4000, 160_000), wakes: both(900, 45_000) },
    },
    costs: {
      cpu: { broker: 80e6, front_end: null, consumer: null, fleet: 160e6, link: 1e6, total: 400e6 },
      connectCpu: { broker: 5e6, front_end: null, fleet: 10e6 },
    },
    ...change,
  }) as unknown as CellReports

const absences = {
  kind: 'reconnects',
  interval: SECOND,
  together: false,
  close: 'orderly',
} as const
const STORM: Workload = { name: 'connect', kind: 'connect', absences }
const IDLE: Workload = { name: 'idle', kind: 'idle' }
const TELEMETRY: Workload = {
  name: 'telemetry',
  kind: 'telemetry',
  interval: SECOND,
  arrivals: 'constant',
  payload: 20,
}

const table = (readings: readonly Reading[]): Record<string, number | null> =>
  Object.fromEntries(readings.map(({ metric, value }) => [metric, value]))

const staying = { connected: 500, planned: null, receipts: null }

test('intended = completed + failed + not started', () => {
  const found = table(connects(reports(STORM)))
  assert.deepEqual(found, {
    'connects.offered': 50,
    'connects.completed': 40,
    'connects.failed': 100,
    'connects.not_started': 100,
  })
  assert.equal((50 - 40) * 20, 100 + 100)
  assert.deepEqual(connects(reports(TELEMETRY, { fleet: staying })), [])
})

test('bytes to connect are per connection that was asked for and made, or per device where devices stay', () => {
  assert.deepEqual(table(connectWire(reports(STORM))), {
    'wire.connect_bytes.up': 200,
    'wire.connect_packets.up': 5,
    'wire.connect_bytes.down': 400,
    'wire.connect_packets.down': 10,
  })
  const stay = table(connectWire(reports(TELEMETRY, { fleet: staying })))
  assert.deepEqual([stay['wire.connect_bytes.up'], stay['wire.connect_packets.down']], [100, 10])
})

test('processor time per connection is over the window only where nothing else is done in it', () => {
  const storm = { 'cpu.broker_us_per_connect': 100, 'cpu.fleet_us_per_connect': 200 }
  assert.deepEqual(table(connectCosts(reports(STORM))), storm)
  const ramp = { 'cpu.broker_us_per_connect': 10, 'cpu.fleet_us_per_connect': 20 }
  assert.deepEqual(table(connectCosts(reports(TELEMETRY))), ramp)
})

test('a wake-up that brought nothing is later than all others; bytes are of those that did', () => {
  const series = new Histogram()
  for (let i = 0; i < 90; i++) series.record(100e6)
  const report = { awaited: 100, firstDelivery: series.toJSON(), spans: '' }
  const readings = wakes(reports(TELEMETRY, { consumer: { wakes: report } }))
  const found = table(readings)
  assert.ok(Math.abs((found['wake.first_delivery.p50'] ?? 0) - 100) < 0.2)
  assert.deepEqual([found['wire.wake_bytes.up'], found['wire.wake_bytes.down']], [500, 1000])
  const mean = readings.find(({ metric }) => metric === 'wake.first_delivery.mean')
  assert.match(mean?.warnings[0] ?? '', /10 lost/)
  assert.deepEqual(wakes(reports(TELEMETRY)), [])
})

test('idle bytes are extrapolated to an hour, from a window of three keep-alive periods or more', () => {
  const long = table(idle(reports(IDLE, { fleet: staying, window: 30 * SECOND })))
  // 75 000 bytes of 500 devices in 30 s.
  assert.equal(long['wire.idle_bytes_per_hour'], 150 * 120)
  assert.equal(long['cpu.broker_us_per_session_second'], (80e3 / 500) * (1 / 30))
  assert.equal('cpu.consumer_us_per_session_second' in long, false)
  const [short] = idle(reports(IDLE, { fleet: staying }))
  assert.equal(short?.value, null)
  assert.match(short?.warnings[0] ?? '', /3 keep-alive periods: 30 s/)
})

test('who keeps nothing alive needs no period, and few sessions say nothing of processor time', () => {
  const few = reports(IDLE, { fleet: { ...staying, connected: 10 } })
  const silent = { ...few, cell: { ...few.cell, stack: { ...few.cell.stack, protocol: 'coap' } } }
  assert.deepEqual(table(idle(silent)), { 'wire.idle_bytes_per_hour': (75_000 / 10) * 180 })
  assert.deepEqual(idle(reports(TELEMETRY)), [])
})
