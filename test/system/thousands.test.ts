/** 2 000 devices, and 5 000, at a message a second on two processors. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { runText, skipReason } from './run-scenario.cases.ts'

const scenario = (stacks: string, repetitions: number, devices = 2000): string => `
thingbench: 1
name: thousands
stacks: [${stacks}]
links: [lte-m]
devices: ${devices}
workload: { interval: 1 s, payload: 100 B, reliability: acknowledged }
phases: { ramp: ${devices / 100} s, warmup: 6 s, measure: 10 s, drain: 5 s, connect_deadline: 120 s }
repetitions: ${repetitions}
`

it(
  'MQTT and CoAP deliver everything, and the cells are valid',
  { skip: skipReason() },
  async (t) => {
    await using result = await runText(scenario('mqtt-tcp, coap-udp', 2), { repeats: true })
    for (const stack of ['mqtt-tcp', 'coap-udp']) {
      const verdicts = result.rows.filter((r) => r.metric === 'outcome' && r.stack === stack)
      for (const { outcome, warnings } of verdicts)
        t.diagnostic(`${stack}: ${outcome} ${warnings.join('; ')}`)
      assert.deepEqual(result.values('devices.connected', stack), [2000, 2000])
      assert.deepEqual(result.values('delivery.ratio', stack), [1, 1])
      assert.deepEqual(result.values('link.unplanned_drops', stack), [0, 0])
      // As of a group: half of its repetitions, the last attempt of each. Disturbed from outside is no fault of the instrument; short of
      // processor time is.
      const last = verdicts.filter(
        (verdict) => !verdicts.some((v) => v.cell === verdict.cell && v.attempt > verdict.attempt),
      )
      const fit = last.filter(({ outcome }) => outcome !== 'censored' && outcome !== 'failed')
      assert.ok(2 * fit.length >= last.length)
      // Without a clock the link would have to wake twice for each of 6 500 packets a second.
      assert.deepEqual(result.values('link.clocked', stack), [1, 1])
      // 0.13 ms on a quiet machine.
      for (const error of result.values('probe.error.p50', stack)) assert.ok((error ?? 9) < 1)
    }
  },
)

for (const [what, stack, devices] of [
  ['2 000 devices on XMPP', 'xmpp-tcp', 2000],
  ['2 000 devices on MQTT over QUIC', 'mqtt-quic', 2000],
  ['5 000 devices on MQTT', 'mqtt-tcp', 5000],
] as const)
  it(
    `${what} deliver everything, or it is said which process was the limit`,
    { skip: skipReason() },
    async (t) => {
      await using result = await runText(scenario(stack, 1, devices), { repeats: true })
      const verdict = result.rows.findLast((r) => r.metric === 'outcome')
      t.diagnostic(`${stack}: ${verdict?.outcome} ${verdict?.warnings.join('; ')}`)
      for (const { metric, value } of result.rows)
        if (metric.startsWith('memory.')) t.diagnostic(`${metric}: ${value?.toFixed(1)}`)
      assert.notEqual(verdict?.outcome, 'failed')
      const delivered = result.value('delivery.ratio', stack)
      const said = verdict?.warnings.some((w) => /saturated|waited|busy|late/.test(w)) ?? false
      assert.ok(
        delivered === 1 || said,
        `delivered ${delivered} and said only: ${verdict?.warnings.join('; ')}`,
      )
    },
  )
