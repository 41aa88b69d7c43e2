import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Scenario } from '../core/types.ts'
import { type InventedCell, rowsOf, runOf } from './invented.cases.ts'
import { reportPage } from './page.ts'
import { conditionsOf } from './rows.ts'
import type { Run } from './run.ts'
import { implementationWords, transportAnswers } from './tcp-or-quic.ts'

const BYTES = ['wire.connect_bytes.up', 'wire.connect_bytes.down']

/** Six repetitions of three stacks: QUIC is faster under loss and dearer to connect; memory is the same. */
const cells = (repetitions: number): InventedCell[] =>
  Array.from({ length: repetitions }, (_, i) => i + 1).flatMap((repetition) =>
    (['tcp', 'tls', 'quic'] as const).map((stack) => {
      const quic = stack === 'quic'
      const bytes = { tcp: 400, tls: 1500, quic: 4500 }[stack]
      return {
        stack,
        repetition,
        values: {
          'latency.p50': 40 + repetition,
          'latency.p99': (quic ? 90 : 300) + repetition,
          'cpu.fleet_us_per_message': (quic ? 150 : 40) + repetition / 100,
          'memory.fleet_kib_per_session': 80,
          ...Object.fromEntries(BYTES.map((metric) => [metric, bytes / 2])),
        },
      }
    }),
  )

const STACKS = [
  { name: 'tcp', protocol: 'mqtt', carrier: 'stream', framing: 'none', security: 'none' },
  { name: 'tls', protocol: 'mqtt', carrier: 'stream', framing: 'none', security: 'tls' },
  { name: 'wss', protocol: 'mqtt', carrier: 'stream', framing: 'websocket', security: 'tls' },
  { name: 'coap', protocol: 'coap', carrier: 'datagram', framing: 'none', security: 'none' },
  { name: 'quic', protocol: 'mqtt', carrier: 'stream', framing: 'none', security: 'quic' },
] as const

const run = (names: readonly string[], repetitions = 6): Run => {
  const { scenario, ...rest } = runOf([])
  const stacks = STACKS.filter(({ name }) => names.includes(name))
  const asked = { ...scenario, stacks, baseline: {} } as unknown as Scenario
  const rows = cells(repetitions).filter(({ stack }) => names.includes(stack))
  return { ...rest, scenario: asked, conditions: conditionsOf(rows.flatMap(rowsOf), asked) }
}

const only = (found: Run) => {
  const [answer, ...more] = transportAnswers(found)
  assert.ok(answer)
  assert.equal(more.length, 0)
  return answer
}

test('QUIC stands against TLS over TCP, and against plain TCP only where there is no TLS', () => {
  assert.equal(only(run(['tcp', 'tls', 'wss', 'coap', 'quic'])).tcp.stack, 'tls')
  assert.equal(only(run(['tcp', 'coap', 'quic'])).tcp.stack, 'tcp')
  assert.deepEqual(transportAnswers(run(['quic', 'coap', 'wss'])), [])
  assert.deepEqual(transportAnswers(run(['tcp', 'tls'])), [])
})

test('what speaks for either is said with its evidence, and what speaks for none', () => {
  const [quic = '', tcp = '', even = '', ...more] = only(run(['tls', 'quic'])).sentences
  assert.match(quic, /^For quic, which lowers: 99th percentile of latency .*\(93\.5 instead of 304/)
  assert.match(
    tcp,
    /^For tls, because quic raises: bytes on the wire per connection to 3\.00 times/,
  )
  assert.match(tcp, /CPU time of the devices per message to 3\.\d+ times/)
  assert.equal(
    even,
    'No relevant difference is shown in median latency and memory of the devices per session.',
  )
  assert.deepEqual(more, [])
})

test('from 6 pairs only a claim speaks for anybody: an interval without the sign-flip test is none', () => {
  const whole = run(['tls', 'quic'])
  const rows = cells(6).filter(({ stack }) => stack !== 'tcp')
  const last = rows.find(({ stack, repetition }) => stack === 'quic' && repetition === 6)
  Object.assign(last?.values ?? {}, { 'latency.p99': 307 })
  const conditions = conditionsOf(rows.flatMap(rowsOf), whole.scenario)
  const [quic = '', , even = ''] = only({ ...whole, conditions }).sentences
  assert.equal(quic, 'Nothing that was compared speaks for quic.')
  assert.match(even, /^No relevant difference is shown in .*99th percentile of latency/)
})

test('a transport that delivers more is spoken for, also where percentiles of the other are lost', () => {
  const whole = run(['tls', 'quic'])
  const rows = cells(6)
  for (const { stack, values } of rows)
    Object.assign(values ?? {}, {
      'latency.p50': stack === 'quic' ? 37 : null,
      'delivery.lost': 0,
      'delivery.not_sent': stack === 'quic' ? 0 : 1450,
    })
  const conditions = conditionsOf(rows.flatMap(rowsOf), whole.scenario)
  const [quic = ''] = only({ ...whole, conditions }).sentences
  assert.match(
    quic,
    /^For quic, which lowers: what is not delivered by 1.450.messages \(0 instead of 1.450/,
  )
})

test('few repetitions are preliminary, fewer are no comparison', () => {
  assert.equal(only(run(['tls', 'quic'], 4)).sentences[0], 'Preliminary (fewer than 6 pairs).')
  assert.deepEqual(only(run(['tls', 'quic'], 2)).sentences, [
    'quic is not compared with tls: fewer than 3 repetitions are valid on both sides.',
  ])
})

test('the page has the section where there is an answer, and only there', async () => {
  const page = await reportPage(run(['tls', 'quic']), [])
  assert.match(page, /<a href="#tcp-or-quic">TCP or QUIC\?<\/a>/)
  assert.match(page, /<h3>quic or tls\? lan · 10 devices · telemetry<\/h3>/)
  assert.doesNotMatch(await reportPage(run(['tcp', 'tls']), []), /tcp-or-quic/)
})

test('the implementations are named from the audit', () => {
  const found = run(['tls', 'quic'])
  const stacks = {
    'QUIC library': { quic: 'quiche 0.18' },
    hops: { quic: '3', tls: '2' },
    'payload size': { quic: '64' },
  }
  assert.deepEqual(implementationWords({ ...found, document: { audit: { stacks } } }), [
    'tls: hops 2.',
    'quic: QUIC library quiche 0.18; hops 3.',
  ])
})
