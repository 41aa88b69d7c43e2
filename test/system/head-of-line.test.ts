/** What a large message does to the small ones of the same device: one byte stream, streams of their own, and the controls. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { RunResult } from './run-scenario.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'

const skip = skipReason()

/** The law of scenarios/head-of-line.yaml in a tenth of its time. */
const INTERVAL = 100
const AFTER = 2
const MEASURE = 7
const BLOCKED = `
thingbench: 1
name: head-of-line
stacks:
  - mqtt-tcp
  - { stack: mqtt-quic, name: single }
  - { stack: mqtt-quic, name: per-topic, quic: { streams: per-topic } }
  - { stack: mqtt-tcp, name: chunks, tcp: { notsent_lowat: 16 KiB }, bulk: { chunk: 1 kB } }
baseline: mqtt-tcp
links:
  - { name: policed, delay: 10 ms, up: { policer: { rate: 29 packets/s, burst: 5 packets } } }
devices: 1
workload: { interval: ${INTERVAL} ms, payload: 500 B, bulk: { payload: 1 MB, after: ${AFTER} s } }
phases: { ramp: 0 s, warmup: 500 ms, measure: ${MEASURE} s, drain: 500 ms }
repetitions: 1
`

describe('telemetry beside a large message on a policed link', { skip }, () => {
  let result: RunResult
  const delivered = (stack: string): number =>
    result.value('delivery.ratio', stack) * ((MEASURE * 1000) / INTERVAL)

  before(async () => {
    result = await runText(BLOCKED)
  })
  after(() => result[Symbol.asyncDispose]())

  it('stops on one byte stream, TCP or QUIC, after what was published before it', () => {
    const before = (AFTER * 1000) / INTERVAL
    for (const stack of ['mqtt-tcp', 'single'])
      assert.ok(Math.abs(delivered(stack) - before) <= 3, `${stack}: ${delivered(stack)}`)
  })

  it('goes on at its rate on a stream of its own, and the connection lives', () => {
    assert.ok(result.value('delivery.ratio', 'per-topic') >= 0.95)
    assert.equal(result.value('devices.reconnects', 'per-topic'), 0)
  })

  it('goes on between chunks too, and so do they: it is the queue of the sender that stops it', () => {
    const ratio = result.value('delivery.ratio', 'chunks')
    assert.ok(ratio >= 0.7, `${ratio} delivered`)
    assert.ok(result.value('bulk.delivered_bytes', 'chunks') > 20_000)
  })

  it('accounts for the large message apart, as one that was begun and did not arrive', () => {
    for (const stack of ['mqtt-tcp', 'single', 'per-topic']) {
      const of = (metric: string): number => result.value(metric, stack)
      assert.deepEqual(
        [of('bulk.offered'), of('bulk.delivered'), of('bulk.lost')],
        [1, 0, 1],
        stack,
      )
      const all = delivered(stack) + of('delivery.lost') + of('delivery.not_sent')
      assert.ok(Math.abs(all - (MEASURE * 1000) / INTERVAL) < 1e-6, stack)
      assert.deepEqual(result.values('wire.layer_bytes_per_message.payload', stack), [null])
    }
    const parts = result.value('bulk.lost', 'chunks') + result.value('bulk.not_sent', 'chunks')
    assert.equal(parts, 1000 - result.value('bulk.delivered_bytes', 'chunks') / 1000)
  })

  it('says in the audit what the kernel was asked to hold back', () => {
    const found = result.run.audit.stacks['TCP unsent bytes at most']
    assert.deepEqual([found?.['mqtt-tcp'], found?.['chunks']], ['no limit', '16 KiB'])
  })
})

/** ms. */
const ROUND_TRIP = 100
/** ms from t0: when the large message is due, and lost. */
const LOSSES = Array.from({ length: 10 }, (_, i) => 200 + 400 * i)
const LOST = `
thingbench: 1
name: true-head-of-line
stacks:
  - mqtt-tls
  - { stack: mqtt-quic, name: single }
  - { stack: mqtt-quic, name: per-topic, quic: { streams: per-topic } }
baseline: mqtt-tls
links: [{ name: far, delay: ${ROUND_TRIP / 2} ms }]
devices: 1
workload: { interval: 10 ms, payload: 50 B, bulk: { payload: 1000 B, after: 200 ms, every: 400 ms } }
phases: { ramp: 0 s, warmup: 1 s, measure: 4 s, drain: 1 s }
timeline:
${LOSSES.map((at) => `  - { at: ${at} ms, drop: up, least: 900 B }\n`).join('')}repetitions: 1
`

describe('a topic beside one that loses packets', { skip }, () => {
  let result: RunResult

  before(async () => {
    result = await runText(LOST)
  })
  after(() => result[Symbol.asyncDispose]())

  it('waits for the lost packet on one byte stream, and not on one of its own', () => {
    // Each loss holds up the messages of a round trip or more, of four.
    const late = (stack: string): number => result.value('latency.p90', stack)
    for (const stack of ['mqtt-tls', 'single'])
      assert.ok(late(stack) > ROUND_TRIP, `${stack}: ${late(stack)} ms`)
    assert.ok(late('per-topic') < ROUND_TRIP, `${late('per-topic')} ms`)
  })

  it('the lost message itself comes a round trip later, on whatever stream', () => {
    for (const stack of ['mqtt-tls', 'single', 'per-topic']) {
      assert.equal(result.value('bulk.delivered', stack), LOSSES.length, stack)
      const mean = result.value('bulk.duration.mean', stack)
      assert.ok(mean > 1.5 * ROUND_TRIP && mean < 6 * ROUND_TRIP, `${stack}: ${mean} ms`)
    }
  })
})
