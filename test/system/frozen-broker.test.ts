/** A broker that freezes for five seconds must show it: no coordinated omission. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { childWith } from './children.cases.ts'
import { runText, skipReason } from './run-scenario.cases.ts'

const scenario = `
thingbench: 1
name: frozen
stacks: [mqtt-tcp]
links: [lan]
devices: 20
workload: { interval: 100 ms, payload: 50 B, reliability: acknowledged }
phases: { ramp: 1 s, warmup: 1 s, measure: 20 s, drain: 8 s }
repetitions: 1
`
const FREEZE = 5000

it('5 s of SIGSTOP in a window of 20 s are in p99 and max', { skip: skipReason() }, async () => {
  const running = runText(scenario)
  // The one that is a server, not the one that was asked for its version.
  const pid = await childWith('mosquitto.conf')
  // Ramp and warm-up take 2 s, connecting a moment: this is well inside the window.
  await sleep(8000)
  process.kill(pid, 'SIGSTOP')
  await sleep(FREEZE)
  process.kill(pid, 'SIGCONT')
  await using result = await running
  // Only the first attempt was frozen; a noisy machine may have repeated the cell.
  const value = (metric: string): number =>
    result.rows.find((r) => r.metric === metric && r.attempt === 1)?.value ?? Number.NaN
  assert.equal(value('delivery.ratio'), 1)
  // Who sent just before the freeze waits for all of it; a quarter of all messages waits for some of it, evenly spread.
  assert.ok(value('latency.max') > FREEZE - 200, `max ${value('latency.max')}`)
  assert.ok(value('latency.p99') > 0.9 * FREEZE, `p99 ${value('latency.p99')}`)
  assert.ok(value('latency.p90') > 0.5 * FREEZE, `p90 ${value('latency.p90')}`)
  assert.ok(value('latency.p50') < 100, `p50 ${value('latency.p50')}`)
})
