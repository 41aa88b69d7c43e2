/** scenarios/qos-cost.yaml, once: how many one-way delays lie in the latency of each QoS on Mosquitto. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { RunResult } from './run-scenario.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'

const FILE = join(import.meta.dirname, '..', '..', 'scenarios', 'qos-cost.yaml')
const ONE_WAY_MS = 40
/** Serialisation at 1 Mbit/s is under 2 ms; the rest is for a machine that others use. */
const TOLERANCE_MS = 20

describe('what QoS 0, 1 and 2 cost', { skip: skipReason() }, () => {
  let result: RunResult
  before(async () => {
    const text = await readFile(FILE, 'utf8')
    const once = text.replace('repetitions: 6', 'repetitions: 1')
    assert.notEqual(once, text)
    result = await runText(once)
  })
  after(() => result[Symbol.asyncDispose]())
  const of = (metric: string, stack: string): number => result.value(metric, stack)

  const takes = (metric: string, stack: string, delays: number): void => {
    const found = of(metric, stack)
    const least = delays * ONE_WAY_MS
    assert.ok(found >= least && found < least + TOLERANCE_MS, `${metric} of ${stack}: ${found} ms`)
  }

  // PUBREC, PUBREL, and Mosquitto forwards at PUBREL.
  for (const [stack, delays] of [
    ['mqtt-qos0', 1],
    ['mqtt-qos1', 1],
    ['mqtt-qos2', 3],
  ] as const)
    // prettier-ignore
    it(`latency.p50 of ${stack} is ${delays} x the one-way delay`, () =>
      takes('latency.p50', stack, delays))

  for (const [stack, delays] of [
    ['mqtt-qos1', 2],
    ['mqtt-qos2', 4],
  ] as const)
    // prettier-ignore
    it(`exchange.p50 of ${stack} is ${delays} x the one-way delay`, () =>
      takes('exchange.p50', stack, delays))

  it('each message costs its packets: the MQTT bytes of a handshake are exact', () => {
    const layer = 'wire.layer_bytes_per_message.application'
    // PUBLISH has 12 bytes beside its payload, and a packet identifier from QoS 1 on; each other packet has 4.
    assert.equal(of(layer, 'mqtt-qos0'), 12)
    assert.equal(of(layer, 'mqtt-qos1'), 14 + 4)
    assert.equal(of(layer, 'mqtt-qos2'), 14 + 3 * 4)
  })

  it('every message arrives, once', () => {
    for (const stack of ['mqtt-qos0', 'mqtt-qos1', 'mqtt-qos2']) {
      assert.equal(of('delivery.ratio', stack), 1)
      assert.equal(of('delivery.duplicates', stack), 0)
    }
  })
})
