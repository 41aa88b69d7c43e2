import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PLAIN_TCP } from '../core/tcp.ts'
import type { Cell, Stack, Workload } from '../core/types.ts'
import { SENT, RECEIVED } from '../fleet/ledger.ts'
import { Histogram } from '../measure/histogram.ts'
import { bulkReadings } from './bulk-readings.ts'
import type { CellReports } from './cell-reports.ts'
import { unsupportedReason } from './supported.ts'

const flags = (...each: number[]): string => Buffer.from(each).toString('base64')
const workload: Workload = {
  name: 'telemetry',
  kind: 'telemetry',
  interval: 1e9,
  arrivals: 'constant',
  payload: 100,
  bulk: { payload: 2000, after: 0, every: 1e9 },
}
const stackOf = (changes: Partial<Stack>): Stack => ({
  name: 'mqtt-tcp',
  kind: 'mqtt-tcp',
  protocol: 'mqtt',
  carrier: 'stream',
  framing: 'none',
  security: 'none',
  broker: 'mosquitto',
  via: 'direct',
  client: 'lean',
  reliability: 'acknowledged',
  tls: null,
  dtls: null,
  quic: null,
  tcp: PLAIN_TCP,
  options: {},
  ...changes,
})
const cellOf = (changes: Partial<Stack>): Cell => ({ stack: stackOf(changes), workload }) as Cell

const readingsOf = (sent: string, received: string, durations: readonly number[]) => {
  const duration = new Histogram()
  for (const one of durations) duration.record(one)
  const bulk = { ledger: received, duration: duration.toJSON(), bytes: 3000 }
  const cell = cellOf({ bulk: { connection: 'shared', chunk: 1000 } })
  const reports = { cell, fleet: { bulkLedger: sent }, consumer: { bulk } }
  const readings = bulkReadings(reports as unknown as CellReports)
  return Object.fromEntries(readings.map(({ metric, value }) => [metric, value]))
}

test('a large message counts when all its parts are there, and its parts close to zero', () => {
  const readings = readingsOf(flags(SENT, SENT, SENT, 0), flags(RECEIVED, RECEIVED, 0, 0), [5e6])
  assert.deepEqual(readings, {
    'bulk.offered': 2,
    'bulk.delivered': 1,
    'bulk.delivered_bytes': 3000,
    'bulk.lost': 1,
    'bulk.not_sent': 1,
    'bulk.duration.mean': readings['bulk.duration.mean'],
    'bulk.duration.max': null,
  })
  assert.ok(Math.abs((readings['bulk.duration.mean'] ?? 0) - 5) < 0.05)
})

test('the longest duration is told where all arrived', () => {
  const all = flags(RECEIVED, RECEIVED)
  const { 'bulk.duration.max': max } = readingsOf(flags(SENT, SENT), all, [7e6])
  assert.ok(Math.abs((max ?? 0) - 7) < 0.05)
})

test('a protocol without a way for large messages is unsupported in such a cell, and MQTT is not', () => {
  const coap = { protocol: 'coap', kind: 'coap-udp', carrier: 'datagram', broker: 'thingbench-coap' } as const // prettier-ignore
  assert.equal(unsupportedReason(cellOf({})), null)
  assert.match(unsupportedReason(cellOf(coap)) ?? '', /^coap has no way for large messages/)
  assert.match(unsupportedReason(cellOf({ client: 'reference' })) ?? '', /^the reference client/)
})
