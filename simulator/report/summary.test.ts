import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { readRun } from './run.ts'
import { type SummaryRow, summarise, summaryCsv } from './summary.ts'
import { terminalTable } from './table.ts'

const folder = join(import.meta.dirname, '..', '..', 'test', 'fixtures', 'run-small')
const run = await readRun(folder)
const rows = summarise(run)

const rowOf = (stack: string, metric: string): SummaryRow => {
  const row = rows.find((other) => other.stack === stack && other.metric === metric)
  if (!row) throw new Error(`no row of ${stack} ${metric}`)
  return row
}

const near = (found: number | null, expected: number, share: number): void => {
  assert.ok(found !== null && Math.abs(found / expected - 1) < share, `${found} is not ${expected}`)
}

test('the header is the documented one', () => {
  assert.equal(
    summaryCsv([]),
    'scenario,stack,broker,link,workload,devices,metric,unit,n,median,ci_low,ci_high,baseline,ratio,ratio_low,ratio_high,outcome,warnings\n',
  )
})

test('bytes that repeat exactly are exact, with a ratio without width', () => {
  const row = rowOf('mqtt-tls', 'wire.bytes_per_message.up')
  assert.equal(row.median, 165)
  assert.deepEqual([row.ci_low, row.ci_high], [165, 165])
  near(row.ratio, 165 / 137, 1e-12)
  assert.equal(row.ratio_low, row.ratio_high)
  assert.equal(row.baseline, 'mqtt-tcp')
  assert.equal(row.warnings, 'exact; claim, 6 pairs')
})

test('a latency ratio of 1.25 is found in spite of what the repetitions have in common', () => {
  const row = rowOf('mqtt-tls', 'latency.p50')
  near(row.ratio, 1.25, 0.01)
  assert.ok((row.ratio_low ?? 0) > 1.23 && (row.ratio_high ?? 9) < 1.27)
  assert.equal(row.n, 6)
  // The repetitions alone spread over more than a tenth: that is what pairing takes away.
  assert.ok((row.ci_high ?? 0) / (row.ci_low ?? 1) > 1.1)
})

test('a baseline has no ratio', () => {
  const row = rowOf('mqtt-tcp', 'latency.p50')
  assert.deepEqual([row.baseline, row.ratio, row.ratio_low, row.ratio_high], ['', null, null, null])
})

test('a censored group is a bound, with the reasons in its outcome row', () => {
  const row = rowOf('coap-udp', 'outcome')
  assert.equal(row.outcome, 'censored')
  assert.equal(row.n, 1)
  assert.match(row.warnings, /censored: fleet: schedule_delay\.p99 31 ms .* \(4 of 6 repetitions\)/)
  assert.match(row.warnings, /failed: consumer: the connection .* \(1 of 6 repetitions\)/)
  assert.equal(rowOf('coap-udp', 'latency.p50').warnings, 'at least')
  assert.equal(rowOf('coap-udp', 'latency.p50').n, 5)
})

test('no loss among 2 400 messages is under 3/n', () => {
  assert.match(rowOf('mqtt-tcp', 'delivery.lost').warnings, /^under 3\/n: 0\.0013 of 2400 messages/)
})

test('fields with commas are quoted, and every line has all columns', () => {
  const lines = summaryCsv(rows).trimEnd().split('\n')
  assert.equal(lines.length, rows.length + 1)
  assert.ok(lines.some((line) => line.endsWith(',measured,"exact; claim, 6 pairs"')))
  for (const line of lines) assert.equal(line.replace(/"[^"]*"/g, '').split(',').length, 18, line)
})

test('the terminal table is the golden one', () => {
  assert.equal(terminalTable(run, 120).replaceAll('\u00a0', ' '), GOLDEN)
})

test('a wide terminal shows intervals, a narrow one only numbers', () => {
  assert.match(terminalTable(run, 200), /40\.0 \[35\.2, 44\.1\]/)
  assert.doesNotMatch(terminalTable(run, 80), /\[35\.2/)
  const widths = terminalTable(run, 120)
    .split('\n')
    .map((line) => line.length)
  assert.ok(Math.max(...widths) <= 120)
})

const GOLDEN = `What does security cost on a quiet network?

lan · 100 devices · telemetry · 6 repetitions
─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
          latency  latency     ack  connect  delivered   wire               connect         CPU
              p50      p99     p50      p50      share  up + down         up + down      broker
stack          ms       ms      ms       ms          %  B/message                 B  us/message  outcome
─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────
mqtt-tcp     40.0     60.8    76.0      161        100    181 (137 + 44)        370          31  measured
mqtt-tls     49.9     75.8    94.8      246        100    231 (165 + 66)      2 853        43.9  measured
coap-udp   ≥ 39.6   ≥ 60.1  ≥ 75.2   ≥ 82.2     ≥ 99.0  ≥ 173 (141 + 32)       ≥ 93           –  censored 1/6 [1] [2]
─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

Medians over repetitions.
≥: the instrument was saturated; the true value is at least this.
[1] coap-udp: censored: fleet: schedule_delay.p99 31 ms is over 20 ms (4 of 6 repetitions)
[2] coap-udp: failed: consumer: the connection to the server ended (reset) (1 of 6 repetitions)`
