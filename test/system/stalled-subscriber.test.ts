/** A subscriber that stalls for six seconds: the broker goes on acknowledging, and drops what its queue does not hold. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { childWith } from './children.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'

const RATE = 500
const STALL = 6
/** mosquitto's max_inflight_messages and max_queued_messages. */
const HELD = 20 + 1000

const scenario = `
thingbench: 1
name: stalled
stacks: [mqtt-tcp]
links: [lan]
devices: 50
workload: { interval: 100 ms, payload: 50 B, reliability: acknowledged }
phases: { ramp: 1 s, warmup: 1 s, measure: 15 s, drain: 3 s }
repetitions: 1
`

it('what a broker acknowledged and dropped is delivery.acked_lost', { skip: skipReason() }, async () => {
  const running = runText(scenario)
  const consumer = await childWith('consumer-process.ts')
  // Ramp and warm-up take 2 s, connecting a moment: this is well inside the window.
  await sleep(6000)
  process.kill(consumer, 'SIGSTOP')
  await sleep(STALL * 1000)
  process.kill(consumer, 'SIGCONT')
  await using result = await running
  // Only the first attempt was stalled; a noisy machine may have repeated the cell.
  const value = (metric: string): number =>
    result.rows.find((r) => r.metric === metric && r.attempt === 1)?.value ?? Number.NaN
  const lost = value('delivery.acked_lost')
  // The stall may be a little longer than asked for, and what was in the sockets' buffers came through.
  assert.ok(Math.abs(lost - (STALL * RATE - HELD)) <= 0.1 * STALL * RATE, `${lost} were lost`)
  assert.equal(value('delivery.lost'), lost)
  assert.equal(value('delivery.duplicates'), 0)
  const limit = (kind: string): string =>
    result.run.audit.stacks[`mosquitto: ${kind} limit`]?.['mqtt-tcp'] ?? ''
  assert.match(limit('queue'), /^1000 messages of QoS 1 and 2 .* dropped, though acknowledged/)
  assert.match(limit('in-flight'), /^20 messages of QoS 1 and 2/)
}) // prettier-ignore
