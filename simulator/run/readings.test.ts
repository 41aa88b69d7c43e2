import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Cell } from '../core/types.ts'
import { Histogram } from '../measure/histogram.ts'
import { METRICS } from '../measure/metrics.ts'
import { NOT_CLAIMED } from '../measure/validity.ts'
import type { WireCount } from '../network/link-protocol.ts'
import type { CellReports } from './cell-reports.ts'
import { seriesReadings } from './reading.ts'
import { readingsOf } from './readings.ts'

const filled = (count: number, value: (i: number) => number): Histogram => {
  const h = new Histogram()
  for (let i = 0; i < count; i++) h.record(value(i))
  return h
}

test('a quantile is given only with ten observations beyond it', () => {
  const of = (n: number) =>
    seriesReadings(
      'latency',
      ['p50', 'p99'],
      filled(n, (i) => i * 1e6),
    )
  assert.equal(of(1000)[1]?.n, 1000)
  assert.ok(of(1000)[1]?.value !== null)
  assert.equal(of(999)[1]?.value, null)
  assert.match(of(999)[1]?.warnings[0] ?? '', /needs 1000/)
  assert.ok(of(20)[0]?.value !== null)
  assert.equal(of(19)[0]?.value, null)
})

test('an undelivered message is later than every delivered one', () => {
  const [p50, p90, max, mean] = seriesReadings(
    'latency',
    ['p50', 'p90', 'max', 'mean'],
    filled(800, () => 5e6),
    200,
  )
  assert.ok(Math.abs((p50?.value ?? 0) - 5) < 0.01)
  assert.deepEqual([p90?.value, p90?.warnings], [null, ['lost']])
  assert.deepEqual([max?.value, max?.warnings], [null, ['lost']])
  assert.match(mean?.warnings[0] ?? '', /200 lost/)
})

const count = (packets: number, payload: number, again = 0): WireCount => ({
  packets: packets + again,
  bytes: packets * 40 + payload + again * 140,
  deliveredPackets: packets,
  deliveredBytes: packets * 40 + payload,
  ipHeader: packets * 20,
  transportHeader: packets * 20,
  transportPayload: payload,
  retransmittedPackets: again,
  retransmittedBytes: again * 140,
})

const reports = (): CellReports => {
  const empty = new Histogram().toJSON()
  const series = Object.fromEntries(
    [
      'schedule_delay',
      'blocked',
      'exchange',
      'ack',
      'connect.wait',
      'connect.transport',
      'connect.security',
      'connect.application',
      'connect.acknowledged',
      'probe.error',
    ].map((name) => [name, empty]),
  )
  const none = { up: count(0, 0), down: count(0, 0) }
  return {
    cell: { devices: 600, workload: { payload: 100 }, stack: { security: 'tls' } } as Cell,
    window: 10e9,
    fleet: {
      ledger: '',
      ready: '',
      series,
      connected: 600,
      failed: 0,
      reconnects: 0,
      planned: null,
      tickets: null,
      certificateBytes: null,
      ends: {},
      givenUp: {},
      receipts: null,
      negotiated: {},
      tcp: null,
      application: { sent: 1000 * 110, received: 1000 * 4 },
      framed: { sent: 1000 * 110, received: 1000 * 4 },
      transport: { sent: 1000 * 132, received: 1000 * 26 },
    },
    consumer: {
      ledger: '',
      series: { latency: filled(1000, () => 2e6).toJSON() },
      wakes: null,
      longestGaps: filled(20, (i) => (1 + i) * 1e9).toJSON(),
      duplicates: 2,
      reordered: 1,
      unknown: 0,
      seconds: [],
      givenUp: {},
    },
    link: {
      wire: {
        connect: { up: count(1800, 60_000), down: count(1200, 30_000) },
        steady: { up: count(2000, 132_000, 10), down: count(1000, 26_000) },
        close: none,
        other: none,
      },
      spans: { connects: none, wakes: none },
      plaintextDevices: 0,
      arrived: 6000,
      duplicated: 0,
      corrupted: 0,
      delivered: 6000,
      lost: 0,
      overflowed: 0,
      unreachable: 0,
      replayed: 0,
      queued: 0,
      unplannedDrops: 0,
      latePackets: 3,
      timedPackets: 4900,
      clocked: 0,
      lateness: { p50: 1, p99: 2, max: 3 },
      channelDigest: '',
    },
    accounts: {
      intended: 1000,
      sent: 1000,
      delivered: 1000,
      lost: 0,
      notSent: 0,
      acknowledged: 0,
      acknowledgedLost: 0,
      gaveUp: 0,
      answered: 0,
    },
    busy: [0.3, 0.4],
    costs: {
      cpu: { broker: 50e6, front_end: null, consumer: 10e6, fleet: 20e6, link: 30e6, total: 200e6 },
      connectCpu: { broker: 6e9, front_end: null, fleet: 1.2e9 },
      memory: { broker: 600 * 1024 * 3, front_end: null, fleet: null, kernel: null },
    },
  }
}

const value = (metric: string, from = reports()): number | null | undefined =>
  readingsOf(from).find((r) => r.metric === metric)?.value

test('bytes per message split into layers that add up', () => {
  const layer = (name: string): number => value(`wire.layer_bytes_per_message.${name}`) ?? NaN
  assert.equal(layer('payload'), 100)
  assert.equal(layer('application'), 14)
  assert.equal(layer('security'), 44)
  assert.equal(layer('retransmission'), 1.4)
  assert.equal(layer('framing'), 0)
  addUp(reports())
})

const LAYERS = ['ip', 'transport', 'security', 'framing', 'application', 'payload', 'retransmission'] // prettier-ignore

const addUp = (from: CellReports): void => {
  const sum = LAYERS.reduce((total, name) => {
    return total + (value(`wire.layer_bytes_per_message.${name}`, from) ?? NaN)
  }, 0)
  const bytes =
    (value('wire.bytes_per_message.up', from) ?? NaN) +
    (value('wire.bytes_per_message.down', from) ?? NaN)
  assert.ok(Math.abs(sum - bytes) < 1e-9, `${sum} = ${bytes}`)
}

test('what WebSocket adds is a layer of its own, with TLS below it and without', () => {
  // 6 bytes up and 2 down for each message.
  const framed = { sent: 1000 * 116, received: 1000 * 6 }
  for (const [security, expected] of [
    ['tls', { security: 36, framing: 8, application: 14 }],
    ['none', { security: 0, framing: 8, application: 50 }],
  ] as const) {
    const plain = reports()
    const cell = { ...plain.cell, stack: { ...plain.cell.stack, security } }
    const from = { ...plain, cell, fleet: { ...plain.fleet, framed } }
    for (const [name, bytes] of Object.entries(expected))
      assert.equal(value(`wire.layer_bytes_per_message.${name}`, from), bytes, name)
    addUp(from)
  }
})

test('rates, costs and connect bytes have known answers', () => {
  assert.equal(value('throughput.delivered'), 100)
  assert.equal(value('delivery.ratio'), 1)
  assert.equal(value('cpu.broker_us_per_message'), 50)
  assert.equal(value('cpu.broker_us_per_connect'), 10_000)
  assert.equal(value('memory.broker_kib_per_session'), 3)
  assert.equal(value('wire.connect_packets.up'), 3)
  assert.equal(value('wire.retransmitted_ratio'), 10 / 3010)
})

test('the longest time without a delivery is one value of each device', () => {
  // 1 to 20 s.
  assert.ok(Math.abs((value('delivery.longest_gap.max') ?? NaN) - 20_000) < 1)
  const middle = value('delivery.longest_gap.p50') ?? NaN
  assert.ok(middle > 9900 && middle < 11_100, `${middle} ms`)
})

test('zero losses are a bound, not a zero', () => {
  const ratio = readingsOf(reports()).find((r) => r.metric === 'delivery.ratio')
  assert.match(ratio?.warnings[0] ?? '', /no loss in 1000: under 0\.30 %/)
})

test('memory per session is kept back below 500 sessions', () => {
  const few = reports()
  assert.equal(
    value('memory.broker_kib_per_session', { ...few, fleet: { ...few.fleet, connected: 499 } }),
    undefined,
  )
})

test('where no consumer stands behind the server there is no latency and no delivery', () => {
  const metrics = readingsOf({ ...reports(), consumer: null }).map((r) => r.metric)
  assert.ok(!metrics.some((m) => m.startsWith('latency.') || m.startsWith('delivery.')))
})

test('every metric is in the table of metrics', () => {
  for (const { metric } of readingsOf(reports())) assert.ok(METRICS[metric], metric)
})

test('on a busy processor latency is shown and not claimed, and connect times are left as they are', () => {
  const readings = readingsOf({ ...reports(), busy: [0.61, 0.1] })
  const warnings = (metric: string) => readings.find((r) => r.metric === metric)?.warnings ?? []
  assert.ok(warnings('latency.p50').includes(NOT_CLAIMED))
  assert.ok(!warnings('connect.application.p50').includes(NOT_CLAIMED))
  assert.ok(!readingsOf(reports()).some((r) => r.warnings.includes(NOT_CLAIMED)))
})

test('a payload that cannot hold the canary is not called protected', () => {
  const small = reports()
  const cell = { ...small.cell, workload: { ...small.cell.workload, payload: 15 } }
  assert.equal(value('wire.plaintext_devices', { ...small, cell }), null)
  assert.equal(value('wire.plaintext_devices'), 0)
})
