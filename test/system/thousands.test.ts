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

it('MQTT and CoAP deliver everything', { skip: skipReason() }, async (t) => {
  await using result = await runText(scenario('mqtt-tcp, coap-udp'))
  for (const stack of ['mqtt-tcp', 'coap-udp']) {
    const verdicts = result.rows.filter((r) => r.metric === 'outcome' && r.stack === stack)
    for (const { outcome, warnings } of verdicts)
      t.diagnostic(`${stack}: ${outcome} ${warnings.join('; ')}`)
    assert.equal(result.value('devices.connected', stack), 2000)
    assert.equal(result.value('delivery.ratio', stack), 1)
    // On two processors fleet, link and consumer share one: where they wait for it too long the cell is censored, and says so.
    const last = verdicts.at(-1)
    assert.ok(last)
    assert.notEqual(last.outcome, 'failed', last.warnings.join('; '))
    // A censored cell may be short of processor time; it may not have lost a packet that nobody asked it to lose.
    assert.equal(result.value('link.unplanned_drops', stack), 0)
  }
})

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
