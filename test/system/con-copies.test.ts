/** CON on a real lossy link: copies per request are (1-q)^0 + ... + (1-q)^4 with q = (1-p)^2, 1.234 at 10 % each way. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { runText, skipReason } from './run-scenario.cases.ts'

const LOSS = 0.1

/**
 * ACK_TIMEOUT is 100 ms here, so that the retransmission span (4.65 s at most, RFC 7252 section 4.8.2) is shorter than the interval
 * and than warm-up: no request waits for another, and no copy crosses the border of the window unseen.
 */
const scenario = `
thingbench: 1
name: con-copies
stacks: [{ stack: coap-udp, coap: { ack_timeout: 100 ms } }]
links: [{ name: lossy, delay: 5 ms, loss: 10 % }]
devices: 2500
workload: { interval: 5 s, payload: 20 B, reliability: acknowledged }
phases: { ramp: 5 s, warmup: 5 s, measure: 5 s, drain: 6 s, connect_deadline: 30 s }
repetitions: 1
`

it('sends 1.234 copies per request at 10 % loss each way', { skip: skipReason() }, async () => {
  await using result = await runText(scenario, { repeats: true })
  const success = (1 - LOSS) ** 2
  const expected = [0, 1, 2, 3, 4].reduce((sum, k) => sum + (1 - success) ** k, 0)
  const n = result.rows.find((r) => r.metric === 'delivery.ratio')?.n ?? 0
  assert.ok(n >= 2000, `${n} requests`)
  const copies = result.value('wire.packets_per_message.up', 'coap-udp')
  assert.ok(Math.abs(copies / expected - 1) < 0.05, `${copies} copies, expected ${expected}`)
  // Never delivered: p^5 = 1e-5 of the requests.
  assert.ok(result.value('delivery.ratio', 'coap-udp') > 0.999)
})
