/** MQTT at each QoS where one packet in twenty is lost and the network goes away for three seconds: what persistent sessions keep. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { RunResult } from './run-scenario.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'

const DEVICES = 20
const INTENDED = DEVICES * 12

// With a user timeout of half a second, the blackout and now and then the loss end connections in the middle of exchanges.
const stack = (name: string, reliability: string, version: string, cleanStart: boolean): string =>
  `{ stack: mqtt-tcp, name: ${name}, reliability: ${reliability}, tcp: { user_timeout: 500 ms },
     mqtt: { version: ${version}, clean_start: ${cleanStart} } }`
const scenario = `
thingbench: 1
name: mqtt-lossy
stacks:
  - ${stack('qos0', 'best-effort', '3.1.1', true)}
  - ${stack('qos1', 'acknowledged', '3.1.1', false)}
  - ${stack('qos2', 'exactly-once', '5', false)}
baseline: qos0
links: [{ name: lossy, delay: 80 ms, loss: 5 % }]
devices: ${DEVICES}
workload: { interval: 400 ms, payload: 64 B }
phases: { ramp: 500 ms, warmup: 1 s, measure: 4.8 s, drain: 12 s, connect_deadline: 60 s }
timeline: [{ at: 1 s, for: 3 s, blackout: all }]
repetitions: 1
`

describe('QoS 0, 1 and 2 with 5 % loss and a blackout of 3 s', { skip: skipReason() }, () => {
  let result: RunResult
  before(async () => {
    result = await runText(scenario)
  })
  after(() => result[Symbol.asyncDispose]())
  const of = (metric: string, name: string): number => result.value(metric, name)

  for (const name of ['qos0', 'qos1', 'qos2'])
    it(`${name}: devices reconnect, and intended = delivered + lost + not sent`, () => {
      assert.equal(of('devices.connected', name), DEVICES)
      // A connection whose retransmission timeout had grown before may outlast the blackout.
      assert.ok(of('devices.reconnects', name) > DEVICES / 2, `${of('devices.reconnects', name)}`)
      const delivered = Math.round(of('delivery.ratio', name) * INTENDED)
      const missing = of('delivery.lost', name) + of('delivery.not_sent', name)
      assert.equal(delivered + missing, INTENDED)
    })

  it('QoS 0 loses what was on its way', () => {
    assert.ok(of('delivery.lost', 'qos0') > 0)
  })

  for (const name of ['qos1', 'qos2'])
    it(`${name}: no message is lost`, () => {
      for (const metric of ['delivery.lost', 'delivery.not_sent', 'delivery.acked_lost'])
        assert.equal(of(metric, name), 0, metric)
      assert.equal(of('delivery.ratio', name), 1)
    })

  it('QoS 1 brings duplicates of what was acknowledged in vain, QoS 2 none', () => {
    assert.ok(of('delivery.duplicates', 'qos1') > 0)
    assert.equal(of('delivery.duplicates', 'qos2'), 0)
  })

  it('no connection ended because one side broke MQTT', async () => {
    for (const { cell } of result.rows.filter((row) => row.metric === 'outcome')) {
      const log = await readFile(join(result.folder, 'cells', cell, 'log.txt'), 'utf8')
      assert.doesNotMatch(log, /protocol:/u, cell)
    }
  })
})
