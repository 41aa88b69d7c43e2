/** On a link of 50 ms each way, each QoS of MQTT takes the one-way delays of its handshake with mosquitto (MQTT 5 section 4.3). */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { RunResult } from './run-scenario.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'

const ONE_WAY = 50

/** One-way delays until the consumer has the message, which mosquitto forwards after PUBREL at QoS 2, and until the device has its acknowledgement. */
const LEVELS = {
  'best-effort': { latency: 1, ack: null },
  acknowledged: { latency: 1, ack: 2 },
  'exactly-once': { latency: 3, ack: 4 },
} as const

const scenario = `
thingbench: 1
name: qos
stacks:
${Object.keys(LEVELS)
  .map((level) => `  - { stack: mqtt-tcp, name: ${level}, reliability: ${level} }`)
  .join('\n')}
baseline: best-effort
links: [{ name: ideal, delay: ${ONE_WAY} ms }]
devices: 20
workload: { interval: 500 ms, payload: 100 B }
phases: { ramp: 500 ms, warmup: 1 s, measure: 2 s, drain: 2 s }
repetitions: 1
`

describe('each QoS takes the one-way delays of its handshake', { skip: skipReason() }, () => {
  let result: RunResult
  before(async () => {
    result = await runText(scenario)
  })
  after(() => result[Symbol.asyncDispose]())

  for (const [level, { latency, ack }] of Object.entries(LEVELS))
    it(`${level}: ${latency} until delivery, ${ack ?? 'nothing'} until acknowledged`, () => {
      // 5 ms for the processors at the end of each way: 3 on a quiet machine.
      const near = (metric: string, ways: number): void => {
        const found = result.value(metric, level)
        const off = Math.abs(found - ways * ONE_WAY)
        assert.ok(off <= 5 * ways, `${metric} is ${found} ms, not ${ways} x ${ONE_WAY} ms`)
      }
      near('latency.p50', latency)
      if (ack !== null) near('ack.p50', ack)
      assert.equal(result.value('delivery.ratio', level), 1)
      assert.equal(result.value('delivery.duplicates', level), 0)
    })
})
