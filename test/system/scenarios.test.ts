/** Every scenario of scenarios/ is run, as it is but small: its stacks, keys and links have engines behind them that work together. */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { MILLISECOND, SECOND } from '../../simulator/core/clock.ts'
import type { TimelineEvent } from '../../simulator/core/link-profile.ts'
import type { Scenario, Workload } from '../../simulator/core/types.ts'
import {
  absencesOf,
  connectInterval,
  messageInterval,
  messagesOf,
} from '../../simulator/core/workload.ts'
import { catalogue } from '../../simulator/run/catalogue.ts'
import { blocksOf } from '../../simulator/run/order.ts'
import { readScenario } from '../../simulator/scenario/load.ts'
import type { RunResult } from './run-scenario.cases.ts'
import { runResolved, runText, skipReason } from './run-scenario.cases.ts'

const FOLDER = join(import.meta.dirname, '..', '..', 'scenarios')
const DEVICES = 5
const CELL_LIMIT = 12

/** Short nights, short peace between storms, and little to upload. */
const quick = (workload: Workload): Workload => {
  const { kind } = workload
  if (kind === 'connect')
    return { ...workload, absences: { ...workload.absences, interval: SECOND } }
  if (kind === 'telemetry' && workload.bulk !== undefined)
    return { ...workload, bulk: { payload: 20_000, after: 100 * MILLISECOND, every: null } }
  if (kind === 'idle' || workload.absences?.kind !== 'sleep') return workload
  const absences = { ...workload.absences, awake: 2 * SECOND, asleep: SECOND }
  return { ...workload, interval: SECOND, absences }
}

/** For a connection that is lost by chance no time is long enough. */
const expectedConnect = (workload: Workload): number =>
  absencesOf(workload)?.kind === 'churn' ? Number.POSITIVE_INFINITY : connectInterval(workload)

/** Time for a message of each device, or for a connection. */
const shortest = (workloads: readonly Workload[]): number =>
  Math.max(
    1 * SECOND,
    ...workloads
      .flatMap((w) => [messageInterval(w), expectedConnect(w)])
      .filter((interval) => Number.isFinite(interval)),
  )

/** Few devices, one repetition, at most two links, and no longer than to send a message or a few; what happens on the way happens sooner. */
const small = (scenario: Scenario): Scenario => {
  const measure = shortest(scenario.workloads.map(quick))
  const sooner = measure / scenario.phases.measure
  const times = (event: TimelineEvent): TimelineEvent =>
    'for' in event && event.for !== null
      ? { ...event, at: event.at * sooner, for: event.for * sooner }
      : { ...event, at: event.at * sooner }
  return {
    ...scenario,
    links: scenario.links.slice(0, 2),
    devices: [DEVICES],
    workloads: scenario.workloads.slice(0, 1).map(quick),
    phases: {
      ramp: 200 * MILLISECOND,
      warmup: 200 * MILLISECOND,
      measure,
      drain: 10 * SECOND,
      connectDeadline: 30 * SECOND,
    },
    timeline: scenario.timeline.map(times),
    repetitions: 1,
    thresholds: [],
  }
}

/** The last value of a metric of each cell. */
const lastOf = ({ rows }: RunResult, metric: string): Map<string, number | null> =>
  new Map(rows.filter((r) => r.metric === metric).map((r) => [r.cell, r.value]))

const verdicts = ({ rows }: RunResult): string[] =>
  rows
    .filter((r) => r.metric === 'outcome')
    .map((r) => `${r.cell} attempt ${r.attempt}: ${r.outcome}: ${r.warnings.join('; ')}`)

describe('the scenarios of this repository', { skip: skipReason() }, () => {
  for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.yaml')))
    it(`${file} runs: every cell connects, delivers everything and closes its accounts`, async () => {
      const scenario = small(readScenario(join(FOLDER, file), catalogue))
      const cells = blocksOf(scenario).flat()
      assert.ok(cells.length <= CELL_LIMIT, `${cells.length} cells are too many for a test`)
      await using result = await runResolved(scenario)
      const { failed, unsupported } = result.outcome.outcomes ?? {}
      assert.deepEqual([failed, unsupported], [0, 0], verdicts(result).join('\n'))
      const connected = lastOf(result, 'devices.connected')
      const delivered = lastOf(result, 'delivery.ratio')
      const up = lastOf(result, 'wire.bytes_per_message.up')
      const down = lastOf(result, 'wire.bytes_per_message.down')
      const offered = lastOf(result, 'connects.offered')
      const large = lastOf(result, 'bulk.delivered')
      const completed = lastOf(result, 'connects.completed')
      for (const { id, workload } of cells) {
        assert.equal(connected.get(id), DEVICES, id)
        if (workload.kind === 'connect') assert.ok((offered.get(id) ?? 0) > 0, id)
        assert.equal(completed.get(id), offered.get(id), id)
        const messages = messagesOf(workload)
        if (messages === null) continue
        assert.equal(delivered.get(id), 1, id)
        if ('bulk' in workload) assert.equal(large.get(id), DEVICES, id)
        const bytes = (workload.kind === 'telemetry' ? up : down).get(id) ?? 0
        assert.ok(bytes > messages.payload, `${id}: ${bytes} bytes`)
      }
      assert.equal(result.run.audit.channels_agree, true)
    })

  it('libcoap as the server of CoAP gives acknowledgements, and nothing that needs a consumer', async () => {
    await using result = await runText(`
thingbench: 1
name: libcoap
stacks:
  - { stack: coap-udp, broker: libcoap }
  - { stack: coap-dtls-psk, broker: libcoap }
links: [{ name: quick, delay: 10 ms }]
devices: ${DEVICES}
workload: { interval: 200 ms, payload: 50 B, reliability: acknowledged }
phases: { ramp: 200 ms, warmup: 200 ms, measure: 1500 ms, drain: 5 s, connect_deadline: 30 s }
repetitions: 1
`)
    assert.equal(result.outcome.outcomes?.failed, 0, verdicts(result).join('\n'))
    for (const stack of ['coap-udp', 'coap-dtls-psk']) {
      assert.equal(result.value('devices.connected', stack), DEVICES)
      const ack = result.value('ack.p50', stack)
      assert.ok(ack >= 20 && ack < 40, `ack.p50 ${ack} ms on a link of 20 ms`)
      const offered = result.value('throughput.offered', stack)
      assert.equal(result.value('throughput.sent', stack), offered)
      const metrics = result.rows.filter((r) => r.stack === stack).map((r) => r.metric)
      assert.deepEqual(
        metrics.filter((m) => m.startsWith('latency.') || m.startsWith('delivery.')),
        [],
      )
    }
  })
})
