/** 2 000 devices at a message a second on two processors. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { runText, skipReason } from './run-scenario.cases.ts'

const scenario = (stacks: string): string => `
thingbench: 1
name: thousands
stacks: [${stacks}]
links: [lte-m]
devices: 2000
workload: { interval: 1 s, payload: 100 B, reliability: acknowledged }
phases: { ramp: 20 s, warmup: 3 s, measure: 10 s, drain: 5 s, connect_deadline: 60 s }
repetitions: 1
`

it(
  'MQTT and CoAP deliver everything, and the cells are valid',
  { skip: skipReason() },
  async (t) => {
    await using result = await runText(scenario('mqtt-tcp, coap-udp'))
    for (const stack of ['mqtt-tcp', 'coap-udp']) {
      const verdicts = result.rows.filter((r) => r.metric === 'outcome' && r.stack === stack)
      for (const { outcome, warnings } of verdicts)
        t.diagnostic(`${stack}: ${outcome} ${warnings.join('; ')}`)
      assert.equal(result.value('devices.connected', stack), 2000)
      assert.equal(result.value('delivery.ratio', stack), 1)
      assert.equal(result.value('link.unplanned_drops', stack), 0)
      // Disturbed twice from outside is no fault of the instrument; short of processor time is.
      assert.match(verdicts.at(-1)?.outcome ?? '', /^(measured|invalid)$/)
      // Without a clock the link would have to wake twice for each of 6 500 packets a second.
      assert.equal(result.value('link.clocked', stack), 1)
      // 0.1 ms on a quiet machine.
      assert.ok(result.value('probe.error.p50', stack) < 1)
    }
  },
)

it(
  'XMPP delivers everything, or says which process was the limit',
  { skip: skipReason() },
  async (t) => {
    await using result = await runText(scenario('xmpp-tcp'))
    const verdict = result.rows.findLast((r) => r.metric === 'outcome')
    t.diagnostic(`xmpp-tcp: ${verdict?.outcome} ${verdict?.warnings.join('; ')}`)
    assert.notEqual(verdict?.outcome, 'failed')
    const delivered = result.value('delivery.ratio', 'xmpp-tcp')
    const said = verdict?.warnings.some((w) => /saturated|waited|busy|late/.test(w)) ?? false
    assert.ok(
      delivered === 1 || said,
      `delivered ${delivered} and said only: ${verdict?.warnings.join('; ')}`,
    )
  },
)
